//! The colours of the style sheet: contrast as WCAG computes it, and the distance (CIEDE2000) between the fills of the
//! states as people see them who lack a kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).

use std::collections::BTreeMap;

use crate::serve::page::CSS;

type Rgb = [f64; 3];

const PROTAN: [Rgb; 3] =
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
const DEUTAN: [Rgb; 3] =
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
const TRITAN: [Rgb; 3] =
    [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]];
const ALL_CONES: [Rgb; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The colours of a block of the style sheet, by name.
fn colours(head: &str) -> BTreeMap<&'static str, Rgb> {
    let at = CSS.find(head).unwrap_or_else(|| panic!("there is no {head}"));
    let block = CSS[at + head.len()..].split('}').next().unwrap();
    let pairs = block.split(';').filter_map(|pair| pair.trim().strip_prefix("--")?.split_once(": #"));
    pairs.map(|(name, hex)| (name, linear(hex))).collect()
}

fn linear(hex: &str) -> Rgb {
    [0, 2, 4].map(|at| {
        let part = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn light_and_dark() -> [(&'static str, BTreeMap<&'static str, Rgb>); 2] {
    [("light", colours(":root {")), ("dark", colours(":root[data-theme=\"dark\"] {"))]
}

fn luminance(rgb: Rgb) -> f64 {
    0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

fn times(matrix: [Rgb; 3], rgb: Rgb) -> Rgb {
    matrix.map(|row| row.iter().zip(rgb).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
}

fn lab(rgb: Rgb) -> Rgb {
    let xyz = times_free(
        [[0.412_456, 0.357_576, 0.180_438], [0.212_673, 0.715_152, 0.072_175], [0.019_334, 0.119_192, 0.950_304]],
        rgb,
    );
    let f = |part: f64, white: f64| {
        let part = part / white;
        if part > 216.0 / 24_389.0 { part.cbrt() } else { (24_389.0 / 27.0 * part + 16.0) / 116.0 }
    };
    let (x, y, z) = (f(xyz[0], 0.950_47), f(xyz[1], 1.0), f(xyz[2], 1.088_83));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn times_free(matrix: [Rgb; 3], rgb: Rgb) -> Rgb {
    matrix.map(|row| row.iter().zip(rgb).map(|(a, b)| a * b).sum())
}

/// CIEDE2000 (Sharma, Wu and Dalal 2005).
#[allow(clippy::many_single_char_names, clippy::similar_names, reason = "the names of the formula")]
fn distance(one: Rgb, other: Rgb) -> f64 {
    let ([l1, a1, b1], [l2, a2, b2]) = (one, other);
    let mean_c = f64::midpoint(a1.hypot(b1), a2.hypot(b2));
    let g = 0.5 * (1.0 - (mean_c.powi(7) / (mean_c.powi(7) + 25_f64.powi(7))).sqrt());
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let is_grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if is_grey => 0.0,
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    };
    let (dl, dc, dh) = (l2 - l1, c2 - c1, 2.0 * (c1 * c2).sqrt() * (turn.to_radians() / 2.0).sin());
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let h = match h1 + h2 {
        sum if is_grey => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => f64::midpoint(sum, 360.0),
        sum => (sum - 360.0) / 2.0,
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0) - 0.20 * cos(4.0 * h - 63.0);
    let theta = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let rc = 2.0 * (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rt = -(2.0 * theta).to_radians().sin() * rc;
    ((dl / sl).powi(2) + (dc / sc).powi(2) + (dh / sh).powi(2) + rt * (dc / sc) * (dh / sh)).sqrt()
}

#[test]
fn the_formula_of_the_distance_is_right() {
    // pairs of the paper's table 1
    for (one, other, wanted) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 2.5, 0.0], [50.0, 0.0, -2.5], 4.3065),
        ([22.7233, 20.0904, -46.6940], [23.0331, 14.9730, -42.5619], 2.0373),
        ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
    ] {
        assert!((distance(one, other) - wanted).abs() < 1e-4, "{one:?} {other:?}: {}", distance(one, other));
    }
}

#[test]
fn everything_can_be_read() {
    for (theme, colours) in light_and_dark() {
        let of = |name: &str| colours.get(name).copied().unwrap_or_else(|| panic!("{theme} has no --{name}"));
        // text
        for (ink, ground) in [
            ("ink", "ground"),
            ("ink", "card"),
            ("muted", "ground"),
            ("muted", "card"),
            ("link", "card"),
            ("link", "ground"),
            ("ok-text", "card"),
            ("ok-text", "ground"),
            ("ok-ink", "ok-fill"),
            ("low-ink", "low-fill"),
            ("medium-ink", "medium-fill"),
            ("high-ink", "high-fill"),
            ("critical-ink", "critical-fill"),
            ("unknown-ink", "unknown-fill"),
            ("limit-critical", "card"),
            ("limit-medium", "card"),
            ("limit-critical", "ground"),
            ("limit-medium", "ground"),
            ("card", "line"),
        ] {
            let contrast = contrast(of(ink), of(ground));
            assert!(contrast >= 4.5, "{theme}: {ink} on {ground} has {contrast:.2}");
        }
        // lines and what can be pressed
        for (line, ground) in [
            ("line", "card"),
            ("focus", "card"),
            ("focus", "ground"),
            ("unknown-edge", "card"),
            ("medium-edge", "card"),
            ("ok-fill", "card"),
            ("unknown-edge", "ground"),
        ] {
            let contrast = contrast(of(line), of(ground));
            assert!(contrast >= 3.0, "{theme}: {line} on {ground} has {contrast:.2}");
        }
    }
}

#[test]
fn states_can_be_told_apart_by_every_eye() {
    let fills = ["ok-fill", "medium-fill", "high-fill", "critical-fill", "unknown-fill"];
    for ((theme, colours), least) in light_and_dark().into_iter().zip([13.9, 11.4]) {
        for (eye, matrix) in [("protan", PROTAN), ("deutan", DEUTAN), ("tritan", TRITAN), ("all", ALL_CONES)] {
            for (at, one) in fills.iter().enumerate() {
                for other in &fills[at + 1..] {
                    let seen = [one, other].map(|name| lab(times(matrix, colours[*name])));
                    let apart = distance(seen[0], seen[1]);
                    assert!(apart >= least, "{theme}, {eye}: {one} and {other} are {apart:.1} apart");
                }
            }
        }
    }
}

#[test]
fn both_ways_to_the_dark_are_the_same() {
    let asked = colours(":root:not([data-theme=\"light\"]) {");
    assert_eq!(asked, light_and_dark()[1].1);
    assert_eq!(asked.keys().collect::<Vec<_>>(), light_and_dark()[0].1.keys().collect::<Vec<_>>());
}

#[test]
fn paper_is_never_dark() {
    // what is dark is for screens alone, so that no colour of it is forgotten where the page is printed
    for head in [":root:not([data-theme=\"light\"]) {", ":root[data-theme=\"dark\"] {"] {
        let before: Vec<&str> = CSS.split(head).collect();
        assert_eq!(before.len(), 2, "{head} stands once");
        assert!(before[0].rsplit("@media ").next().unwrap().starts_with("screen"), "{head} is for screens");
    }
    let at = CSS.find("@media print {").unwrap();
    let printed = CSS[at..].split("\n}").next().unwrap();
    assert!(!printed.contains("dark"), "{printed}");
    let known = colours(":root {");
    for name in printed.split("--").skip(1).filter_map(|part| part.split_once(": #")).map(|(name, _)| name) {
        assert!(known.contains_key(name), "--{name} is no colour of the page");
    }
}

#[test]
fn no_text_fades() {
    // the contrast of a colour is computed here; one that shines through is another colour
    for rule in CSS.split('}') {
        let Some((heads, body)) = rule.rsplit_once('{') else { continue };
        let fades = body.split(';').any(|pair| pair.trim().starts_with("opacity:"));
        let heads = heads.rsplit("*/").next().unwrap_or(heads);
        assert!(
            !fades || heads.split(',').all(|head| head.split_whitespace().last() == Some(".plane")),
            "{heads} fades"
        );
    }
}
