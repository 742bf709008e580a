//! Colours, when they are wanted, and text that cannot harm a terminal.

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// It waits, or wants a look.
    Look,
    /// Of less weight.
    Faint,
    /// Of more weight.
    Strong,
}

impl Paint {
    /// The text in its colour, control characters taken out.
    pub fn text(self, tint: Tint, text: &str) -> String {
        let text = clean(text);
        if !self.0 {
            return text;
        }
        let code = match tint {
            Tint::Good => "32",
            Tint::Bad => "31",
            Tint::Look => "33",
            Tint::Faint => "2",
            Tint::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Text without control characters: what a platform answered may hold anything.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
