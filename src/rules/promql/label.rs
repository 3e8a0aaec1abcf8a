//! Functions that rewrite labels.

use super::selector::pattern;
use super::value::{Element, Halt, distinct};

/// `label_replace`: where `pattern` matches the whole value of `source`, `target` becomes `replacement`, in which `$1` and
/// `${name}` stand for what the groups of the pattern matched.
pub fn replace(elements: Vec<Element>, texts: &[String]) -> Result<Vec<Element>, Halt> {
    let [target, replacement, source, text] = texts else {
        return Err(Halt::Failed("label_replace takes four strings".to_owned()));
    };
    let pattern = pattern(text, &(0..0)).map_err(|fault| Halt::Failed(fault.what))?;
    let replaced = |element: Element| {
        let value = element.label(source).to_owned();
        let Some(groups) = pattern.captures(&value) else { return element };
        let mut result = String::new();
        groups.expand(replacement, &mut result);
        element.with_label(target, &result)
    };
    distinct(elements.into_iter().map(replaced).collect())
}

/// `label_join`: `target` becomes the values of all sources with `separator` between them.
pub fn join(elements: Vec<Element>, texts: &[String]) -> Result<Vec<Element>, Halt> {
    let [target, separator, sources @ ..] = texts else {
        return Err(Halt::Failed("label_join takes at least two strings".to_owned()));
    };
    let joined = |element: Element| {
        let values: Vec<&str> = sources.iter().map(|source| element.label(source)).collect();
        let value = values.join(separator);
        element.with_label(target, &value)
    };
    distinct(elements.into_iter().map(joined).collect())
}
