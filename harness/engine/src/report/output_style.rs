//! Style of text output, determined by the terminal and environment variables.

use console::Term;

/// Maximum width of text, also used if the width of the terminal is unknown.
const MAX_WIDTH: usize = 100;

/// Whether output has colours and redrawn lines, and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStyle {
    /// Whether text is coloured.
    pub colours: bool,
    /// Whether a progress line is redrawn: on an interactive terminal.
    pub live: bool,
    /// Maximum number of characters in a line of prose; evidence is not wrapped.
    pub width: usize,
}

/// The meaning of a piece of text, which determines its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextStyle {
    /// A success.
    Success,
    /// A failure.
    Failure,
    /// An incomplete result.
    Warning,
    /// A name or heading.
    Emphasis,
    /// Secondary information.
    Faint,
}

impl OutputStyle {
    /// The style of text in files.
    pub const PLAIN: Self = Self {
        colours: false,
        live: false,
        width: MAX_WIDTH,
    };

    /// The style of standard output.
    pub fn stdout() -> Self {
        let terminal = Term::stdout();
        let width = terminal
            .size_checked()
            .map(|(_, columns)| usize::from(columns));
        Self::choose(terminal.is_term(), width, |name| std::env::var(name).ok())
    }

    /// Colours and redrawn lines are used on terminals that support them, except in CI. `NO_COLOR` disables colours;
    /// otherwise `CLICOLOR_FORCE` enables them for any output.
    fn choose(
        terminal: bool,
        width: Option<usize>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let is_on =
            |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        let in_ci = is_on("CI") && variable("CI").as_deref() != Some("false");
        let live = terminal && !in_ci && variable("TERM").as_deref() != Some("dumb");
        let no_colour = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let clicolor_off = variable("CLICOLOR").as_deref() == Some("0");
        Self {
            colours: !no_colour && (is_on("CLICOLOR_FORCE") || (live && !clicolor_off)),
            live,
            width: width
                .filter(|_| live)
                .map_or(MAX_WIDTH, |columns| columns.clamp(40, MAX_WIDTH)),
        }
    }

    /// The text with escape sequences for its style, if output is coloured.
    pub(super) fn paint(self, style: TextStyle, text: &str) -> String {
        let style = match style {
            TextStyle::Success => console::Style::new().green(),
            TextStyle::Failure => console::Style::new().red().bold(),
            TextStyle::Warning => console::Style::new().yellow(),
            TextStyle::Emphasis => console::Style::new().bold(),
            TextStyle::Faint => console::Style::new().dim(),
        };
        style.force_styling(self.colours).apply_to(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks whether output has colours and a live line with these variables.
    #[track_caller]
    fn check(terminal: bool, variables: &[(&str, &str)], colours: bool, live: bool) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let output = OutputStyle::choose(terminal, Some(80), variable);
        assert_eq!(
            (output.colours, output.live),
            (colours, live),
            "{variables:?}"
        );
    }

    #[test]
    fn a_terminal_has_colours_and_a_live_line() {
        check(true, &[], true, true);
        check(true, &[("CI", "false"), ("TERM", "xterm")], true, true);
    }

    #[test]
    fn a_pipe_a_ci_job_and_a_dumb_terminal_get_plain_lines() {
        check(false, &[], false, false);
        check(true, &[("CI", "true")], false, false);
        check(true, &[("TERM", "dumb")], false, false);
    }

    #[test]
    fn colours_can_be_disabled_and_forced_by_variables() {
        check(true, &[("NO_COLOR", "1")], false, true);
        check(true, &[("NO_COLOR", "")], true, true);
        check(true, &[("CLICOLOR", "0")], false, true);
        check(false, &[("CLICOLOR_FORCE", "1")], true, false);
        check(false, &[("CLICOLOR_FORCE", "0")], false, false);
        check(
            false,
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            false,
            false,
        );
    }

    #[test]
    fn text_is_unchanged_without_colours() {
        assert_eq!(
            OutputStyle::PLAIN.paint(TextStyle::Failure, "USR-7"),
            "USR-7"
        );
        let coloured = OutputStyle {
            colours: true,
            ..OutputStyle::PLAIN
        };
        assert_eq!(
            coloured.paint(TextStyle::Success, "yes"),
            "\u{1b}[32myes\u{1b}[0m"
        );
    }
}
