//! The operators, and what they do with two numbers.

/// The binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `+ - * / % ^ atan2`.
    Math(Math),
    /// `== != > < >= <=`.
    Compare(Compare),
    /// `and or unless`.
    Set(Set),
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Math {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`, with the sign of the dividend
    Modulo,
    /// `^`
    Power,
    /// `atan2`
    Atan2,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `>`
    Above,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// Set operators between vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Elements of the left that have a partner.
    And,
    /// All of the left, and those of the right without a partner.
    Or,
    /// Elements of the left without a partner.
    Unless,
}

impl Op {
    /// The value for two numbers; `None` where a comparison without `bool` does not hold.
    pub fn combine(self, left: f64, right: f64, bool: bool) -> Option<f64> {
        match self {
            Self::Math(math) => Some(math.apply(left, right)),
            Self::Compare(compare) if bool => Some(f64::from(u8::from(compare.holds(left, right)))),
            Self::Compare(compare) => compare.holds(left, right).then_some(left),
            Self::Set(_) => None,
        }
    }

    /// Whether the result is no longer the left operand's metric.
    pub const fn drops_name(self, bool: bool) -> bool {
        matches!(self, Self::Math(_)) || bool
    }
}

impl Math {
    /// The result for two numbers.
    pub fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Modulo => left % right,
            Self::Power => left.powf(right),
            Self::Atan2 => left.atan2(right),
        }
    }
}

impl Compare {
    /// Whether the comparison holds; NaN is unequal to everything and neither above nor below.
    #[allow(clippy::float_cmp, reason = "PromQL's == is exact by definition")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Above => left > right,
            Self::Below => left < right,
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
        }
    }

    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Above => ">",
            Self::Below => "<",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }

    /// The comparison with its sides swapped.
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
            Self::Equal | Self::Unequal => self,
        }
    }
}

/// The aggregation operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `count`
    Count,
    /// `group`
    Group,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
    /// `quantile(φ, …)`
    Quantile,
    /// `topk(k, …)`
    Topk,
    /// `bottomk(k, …)`
    Bottomk,
    /// `count_values("label", …)`
    CountValues,
}

impl Aggregation {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 12] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("count", Self::Count),
        ("group", Self::Group),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("quantile", Self::Quantile),
        ("topk", Self::Topk),
        ("bottomk", Self::Bottomk),
        ("count_values", Self::CountValues),
    ];

    /// The operator called `name`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, op)| op)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, op)| *op == self).map_or("", |(name, _)| name)
    }

    /// Its parameter, as it may be written.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Quantile => "0.95, ",
            Self::Topk | Self::Bottomk => "3, ",
            Self::CountValues => "\"value\", ",
            _ => "",
        }
    }

    /// Whether it takes a parameter before the vector.
    pub const fn has_parameter(self) -> bool {
        matches!(self, Self::Quantile | Self::Topk | Self::Bottomk | Self::CountValues)
    }
}
