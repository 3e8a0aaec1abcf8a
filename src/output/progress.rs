//! How far long work has come: a bar on standard error, for people who wait at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use super::terminal::Terminal;

/// What takes less than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// The bar, once there is reason for one.
pub struct Progress {
    begun: Instant,
    total: usize,
    /// Where there is somebody to see it.
    is_wanted: bool,
    style: ProgressStyle,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work of so many steps begins.
    pub fn new(total: usize, terminal: &Terminal) -> Self {
        let chars = if terminal.ascii { "##-" } else { "█▉░" };
        let style = ProgressStyle::with_template("{percent:>3} % {bar:30} {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars(chars);
        Self { begun: Instant::now(), total, is_wanted: terminal.err, style, bar: None }
    }

    /// So many steps are done.
    pub fn done(&mut self, steps: usize) {
        let position = |steps| u64::try_from(steps).unwrap_or(u64::MAX);
        if self.bar.is_none() && self.is_wanted && self.begun.elapsed() >= PATIENCE {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            let bar = ProgressBar::with_draw_target(Some(position(self.total)), target);
            self.bar = Some(bar.with_style(self.style.clone()).with_elapsed(self.begun.elapsed()));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(position(steps));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
