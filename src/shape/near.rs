//! "Did you mean": the nearest of the words that would have been right.

/// Longer words, and more candidates than these, are not compared: a broken file can have thousands of both.
const LONGEST: usize = 64;
const MOST: usize = 1000;

/// The candidate that is most like `word`, if one is like it at all.
pub fn near<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| *candidate != word && candidate.len() <= LONGEST + allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_proposed() {
        let fields = ["email", "id", "customer_id", "customerId"];
        for (word, nearest) in [
            ("emial", Some("email")),
            ("costumer_id", Some("customer_id")),
            ("total", None),
            ("ID", Some("id")),
        ] {
            assert_eq!(near(word, fields), nearest, "{word}");
        }
    }
}
