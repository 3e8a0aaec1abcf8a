//! Text -> tokens with their places. Knows nothing of grammar, except that `:` is a sign of its own inside `[…]`.

use super::advice;
use super::ast::Span;
use crate::model::fault::{Fault, Place};
use crate::text::units;

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// Where it stands.
    pub span: Span,
}

/// The words of the language.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A number.
    Number(f64),
    /// `1h30m`, in milliseconds; wherever a number may stand it counts as seconds.
    Duration(u64),
    /// A string with its escapes resolved.
    Text(String),
    /// A name or keyword.
    Word(String),
    /// A bracket, an operator or punctuation.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// All signs, longer ones first.
const SIGNS: [&str; 24] = [
    "==", "!=", "=~", "!~", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",",
    ":", "@",
];

/// The tokens of `text`; the last one is `End`.
pub fn tokens(text: &str) -> Result<Vec<Lexeme>, Fault> {
    let mut lexer = Lexer { text, at: 0, in_brackets: false };
    let mut lexemes = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.next()?;
        let done = token == Token::End;
        lexemes.push(Lexeme { token, span: start..lexer.at });
        if done {
            return Ok(lexemes);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    in_brackets: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes the longest head of the rest whose characters `accept` takes.
    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest().starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Result<Token, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let second = rest.chars().nth(1).unwrap_or(' ');
        match first {
            '0'..='9' => self.number(),
            '.' if second.is_ascii_digit() => self.number(),
            '"' | '\'' | '`' => self.string(first),
            ':' if self.in_brackets => Ok(self.sign()),
            'a'..='z' | 'A'..='Z' | '_' | ':' => {
                Ok(Token::Word(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':').to_owned()))
            }
            _ => match self.sign() {
                Token::End => Err(self.stranger(first)),
                sign => Ok(sign),
            },
        }
    }

    /// The sign at this place, or `End` where there is none.
    fn sign(&mut self) -> Token {
        let Some(sign) = SIGNS.into_iter().find(|sign| self.rest().starts_with(sign)) else { return Token::End };
        self.at += sign.len();
        match sign {
            "[" => self.in_brackets = true,
            "]" => self.in_brackets = false,
            _ => {}
        }
        Token::Sign(sign)
    }

    /// `0x1F`, `1_000`, `.5`, `1e-3`; with letters behind it, a duration.
    fn number(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let is_hex = matches!(self.rest().as_bytes(), [b'0', b'x' | b'X', ..]);
        if is_hex {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        } else {
            self.decimal();
        }
        if !is_hex && self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.at = start;
            return self.duration();
        }
        let literal = self.text.get(start..self.at).unwrap_or_default().replace('_', "");
        if literal.len() > 1 && literal.starts_with('0') && literal.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.octal(start, literal.trim_start_matches('0')));
        }
        let value = match literal.get(2..) {
            Some(digits) if is_hex => u64::from_str_radix(digits, 16).ok().map(|value| value as f64),
            _ => literal.parse().ok(),
        };
        value.map(Token::Number).ok_or_else(|| self.wrong_number(start))
    }

    fn decimal(&mut self) {
        let is_digit = |c: char| c.is_ascii_digit() || c == '_';
        self.take_while(is_digit);
        if self.rest().starts_with('.') {
            self.at += 1;
            self.take_while(is_digit);
        }
        let exponent = match self.rest().as_bytes() {
            [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => 2,
            [b'e' | b'E', b'0'..=b'9', ..] => 1,
            _ => return,
        };
        self.at += exponent;
        self.take_while(is_digit);
    }

    fn duration(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let literal = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.');
        let millis = units::parse_duration(literal).ok().and_then(|length| u64::try_from(length.as_millis()).ok());
        millis.map(Token::Duration).ok_or_else(|| self.wrong_number(start))
    }

    /// To Prometheus 010 is eight, and 089 is eighty-nine; whoever writes either means neither.
    fn octal(&self, start: usize, rest: &str) -> Fault {
        let literal = self.text.get(start..self.at).unwrap_or_default();
        let before = self.text.get(..start).unwrap_or_default();
        if before.strip_suffix(',').is_some_and(|head| head.ends_with(|c: char| c.is_ascii_digit())) {
            return Fault::error("a comma separates arguments, not digits", Place::File(start - 1..self.at))
                .help("write 1000 or 1_000");
        }
        let rest = if rest.is_empty() { "0" } else { rest };
        Fault::error(
            format!("`{literal}` begins with a zero, which makes it an octal number"),
            Place::File(start..self.at),
        )
        .help(format!("write {rest}"))
    }

    fn wrong_number(&self, start: usize) -> Fault {
        let literal = self.text.get(start..self.at).unwrap_or_default();
        Fault::error(format!("`{literal}` is neither a number nor a duration"), Place::File(start..self.at))
            .help(advice::of_number(literal))
    }

    fn string(&mut self, quote: char) -> Result<Token, Fault> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n' || quote == '`') else {
                let help = format!("close it with {quote}");
                return Err(Fault::error("this string has no end", Place::File(start..self.at)).help(help));
            };
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
            if c == '\\' && quote != '`' {
                self.escape(&mut bytes)?;
            } else {
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        String::from_utf8(bytes).map(Token::Text).map_err(|_| {
            Fault::error("the escapes in this string do not make valid UTF-8", Place::File(start..self.at))
                .help(r"write characters beyond ASCII as they are, or as \u00e4")
        })
    }

    /// What follows a backslash: the escapes of Go.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.at - 1;
        let letter = self.rest().chars().next().unwrap_or(' ');
        let (skip, digits, radix) = match letter {
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='7' => (0, 3, 8),
            _ => (letter.len_utf8(), 0, 0),
        };
        self.at += skip;
        if digits == 0 {
            let byte = simple_escape(letter).ok_or_else(|| self.wrong_escape(start))?;
            bytes.push(byte);
            return Ok(());
        }
        let code = self.rest().get(..digits).and_then(|code| u32::from_str_radix(code, radix).ok());
        let code = code.ok_or_else(|| self.wrong_escape(start))?;
        self.at += digits;
        let wrong = self.wrong_escape(start);
        if matches!(letter, 'u' | 'U') {
            bytes.extend(char::from_u32(code).ok_or(wrong)?.encode_utf8(&mut [0; 4]).bytes());
        } else {
            bytes.push(u8::try_from(code).map_err(|_| wrong)?);
        }
        Ok(())
    }

    fn wrong_escape(&self, start: usize) -> Fault {
        Fault::error("this escape is not known", Place::File(start..self.at.min(self.text.len()))).help(
            r#"a backslash itself is written \\ (in a regular expression: "\\d"), or put the string in backticks, where nothing is escaped"#,
        )
    }

    /// A character no token begins with.
    fn stranger(&self, c: char) -> Fault {
        let rest = self.rest();
        let (length, help) = match c {
            '.' => (1, "a name has no dot; where it must, it is quoted: {\"a.b\", host=\"x\"}"),
            '?' => (1, "there is no `? :`; a comparison filters, and with `bool` it answers 0 or 1"),
            '&' => (if rest.starts_with("&&") { 2 } else { 1 }, "write `and`"),
            '|' => (if rest.starts_with("||") { 2 } else { 1 }, "write `or`"),
            '!' => (1, "write `!=` for unequal, `== 0` for untrue, `unless` for elements without a partner"),
            '$' => (1, "an expression has no variables; templates belong in `summary` and `action`"),
            '“' | '”' | '„' | '‘' | '’' => (c.len_utf8(), "use the plain quotes \" or '"),
            ';' => (1, "an expression is one piece; it needs no semicolon"),
            _ => (c.len_utf8(), "names are made of letters, digits and `_`; anything else stands in quotes"),
        };
        let span = self.at..self.at + length;
        let shown = crate::text::safe::one_line(self.text.get(span.clone()).unwrap_or_default());
        Fault::error(format!("`{shown}` means nothing in an expression"), Place::File(span)).help(help)
    }
}

fn simple_escape(letter: char) -> Option<u8> {
    Some(match letter {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0C,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0B,
        '\\' => b'\\',
        '\'' => b'\'',
        '"' => b'"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match tokens(text) {
            Ok(lexemes) => lexemes
                .iter()
                .map(|lexeme| match &lexeme.token {
                    Token::Number(value) => format!("{value}"),
                    Token::Duration(millis) => format!("{millis}ms"),
                    Token::Text(text) => format!("{text:?}"),
                    Token::Word(word) => word.clone(),
                    Token::Sign(sign) => (*sign).to_owned(),
                    Token::End => "$".to_owned(),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(fault) => format!("{} {:?}", fault.what, fault.place),
        }
    }

    #[test]
    fn words_numbers_strings() {
        for (text, wanted) in [
            ("a:b{c=~'d'}[5m:1m]", "a:b { c =~ \"d\" } [ 300000ms : 60000ms ] $"),
            ("1 .5 5. 1e-3 0x1F 1_000 1h30m", "1 0.5 5 0.001 31 1000 5400000ms $"),
            ("a>=b!=c<d # comment\n+ e", "a >= b != c < d + e $"),
            (r#""\x41\u00e4\101\n" '\'' `\d`"#, r#""AäA\n" "'" "\\d" $"#),
            ("010", "`010` begins with a zero, which makes it an octal number File(0..3)"),
            ("0 0.5 00.5 0e1", "0 0.5 0.5 0 $"),
            ("5mm", "`5mm` is neither a number nor a duration File(0..3)"),
            ("a && b", "`&&` means nothing in an expression File(2..4)"),
            ("'abc", "this string has no end File(0..4)"),
            (r#""\d""#, "this escape is not known File(1..3)"),
            (r#""\xff""#, "the escapes in this string do not make valid UTF-8 File(0..6)"),
            ("", "$"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
