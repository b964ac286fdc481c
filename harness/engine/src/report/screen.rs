//! What the place that text goes to can show: decided once, from the terminal and the environment.

use console::Term;

/// Width of text where the terminal does not report one, and at most.
const WIDTH: usize = 100;

/// What the place that text goes to can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Text may hold colours.
    pub colours: bool,
    /// A line may be redrawn: it is a terminal, and a person looks at it.
    pub live: bool,
    /// Characters in a line of prose; evidence is never broken.
    pub width: usize,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As it should be.
    Good,
    /// The subject is wrong.
    Bad,
    /// Not all is known.
    Doubt,
    /// A name to be found quickly.
    Strong,
    /// What is there when it is looked for.
    Faint,
}

impl Screen {
    /// Text as a file holds it.
    pub const PLAIN: Self = Self {
        colours: false,
        live: false,
        width: WIDTH,
    };

    /// What standard output can show.
    pub fn stdout() -> Self {
        let terminal = Term::stdout();
        let width = terminal
            .size_checked()
            .map(|(_, columns)| usize::from(columns));
        Self::decide(terminal.is_term(), width, |name| std::env::var(name).ok())
    }

    /// Colours and redrawn lines are for terminals that support them, outside of CI. `NO_COLOR` takes
    /// colours away, else `CLICOLOR_FORCE` gives them to any place.
    fn decide(
        terminal: bool,
        width: Option<usize>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let on = |name: &str| variable(name).is_some_and(|it| !it.is_empty() && it != "0");
        let in_ci = on("CI") && variable("CI").as_deref() != Some("false");
        let live = terminal && !in_ci && variable("TERM").as_deref() != Some("dumb");
        let unwanted = variable("NO_COLOR").is_some_and(|it| !it.is_empty());
        let refused = variable("CLICOLOR").as_deref() == Some("0");
        Self {
            colours: !unwanted && (on("CLICOLOR_FORCE") || (live && !refused)),
            live,
            width: width
                .filter(|_| live)
                .map_or(WIDTH, |it| it.clamp(40, WIDTH)),
        }
    }

    /// The text in the colour of its style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        let style = match style {
            Style::Good => console::Style::new().green(),
            Style::Bad => console::Style::new().red().bold(),
            Style::Doubt => console::Style::new().yellow(),
            Style::Strong => console::Style::new().bold(),
            Style::Faint => console::Style::new().dim(),
        };
        style.force_styling(self.colours).apply_to(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours and liveliness with these variables.
    #[track_caller]
    fn check(terminal: bool, variables: &[(&str, &str)], colours: bool, live: bool) {
        let variable = |name: &str| {
            let found = variables.iter().find(|it| it.0 == name);
            found.map(|it| it.1.to_owned())
        };
        let screen = Screen::decide(terminal, Some(80), variable);
        assert_eq!(
            (screen.colours, screen.live),
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
    fn a_pipe_ci_and_a_dumb_terminal_get_plain_lines() {
        check(false, &[], false, false);
        check(true, &[("CI", "true")], false, false);
        check(true, &[("TERM", "dumb")], false, false);
    }

    #[test]
    fn colours_can_be_taken_away_and_forced() {
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
    fn without_colours_text_stays_as_it_is() {
        assert_eq!(Screen::PLAIN.paint(Style::Bad, "USR-7"), "USR-7");
        let coloured = Screen {
            colours: true,
            ..Screen::PLAIN
        };
        assert_eq!(coloured.paint(Style::Good, "yes"), "\u{1b}[32myes\u{1b}[0m");
    }
}
