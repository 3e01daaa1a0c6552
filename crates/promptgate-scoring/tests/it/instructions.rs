//! The 25 instructions of IFEval, each followed and not, strictly and loosely. The examples are made for this test.

use promptgate_scoring::assertion::instructions;

use crate::trial::{any_case, case, mistakes, response, scored, word};

/// Whether an output follows an instruction: strictly, and loosely.
#[track_caller]
fn check(arguments: &str, output: &str, strict: bool, loose: bool) {
    for (reading, expected) in [("strict", strict), ("loose", loose)] {
        let toml = format!("kind = \"instruction\"\n{arguments}\nreading = \"{reading}\"");
        let scored = scored(&toml, any_case(), response(output, "{}"));
        let word = word(&scored);
        assert_eq!(word, if expected { "passed" } else { "failed" }, "{reading}: {arguments}\n{output:?}: {scored:?}");
    }
}

macro_rules! rows {
    ($($name:ident, $arguments:expr, [$(($output:expr, $strict:expr, $loose:expr)),+ $(,)?];)+) => {
        $(#[test]
        fn $name() {
            let rows: &[(&str, bool, bool)] = &[$(($output, $strict, $loose)),+];
            assert!(rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.2), "both sides are shown");
            rows.iter().for_each(|(output, strict, loose)| check($arguments, output, *strict, *loose));
            check($arguments, " \n", false, false);
        })+
    };
}

rows! {
    keywords_occur, "id = \"keywords:existence\"\nkeywords = [\"parcel\", \"Late\"]", [
        ("Your PARCEL is late.", true, true),
        ("Your parcels came lately.", true, true),
        ("Your parcel is here.", false, false),
        ("", false, false),
        ("par*cel* is late", false, true),
    ];
    a_text_occurs_so_often, "id = \"keywords:frequency\"\nkeyword = \"tea\"\ncount = 2\nrelation = \"at least\"", [
        ("Tea and tea.", true, true),
        ("Steam of teapots", true, true),
        ("One tea.", false, false),
        ("tea t*e*a", false, true),
    ];
    a_text_occurs_less_often, "id = \"keywords:frequency\"\nkeyword = \"tea\"\ncount = 2\nrelation = \"less than\"", [
        ("One tea.", true, true),
        ("tea tea", false, false),
        ("tea\ntea", false, true),
        ("coffee", true, true),
    ];
    forbidden_words_do_not_occur, "id = \"keywords:forbidden_words\"\nwords = [\"sorry\", \"can't\", \"C++\"]", [
        ("We cannot help.", true, true),
        ("I am SORRY.", false, false),
        ("The sorrysome word.", true, true),
        ("Sorry!\nHere it is.", false, true),
        ("I can't.", false, false),
        ("Use C++ now", false, false),
        ("Use ABC++ now", true, true),
    ];
    a_letter_occurs_so_often, "id = \"keywords:letter_frequency\"\nletter = \"a\"\ncount = 3\nrelation = \"at least\"", [
        ("Banana", true, true),
        ("AaA", true, true),
        ("bad", false, false),
        ("", false, false),
    ];
    a_letter_occurs_less_often, "id = \"keywords:letter_frequency\"\nletter = \"!\"\ncount = 1\nrelation = \"less than\"", [
        ("Calm.", true, true),
        ("Wow!", false, false),
        ("Wow!\nCalm.\nWow!", false, true),
        ("?", true, true),
    ];
    the_output_is_in_a_language, "id = \"language:response_language\"\nlanguage = \"fr\"", [
        ("Votre colis arrivera malheureusement avec deux jours de retard, nous en sommes désolés.", true, true),
        ("Your parcel will unfortunately arrive two days late, and we are very sorry about that.", false, false),
        ("Here is the answer that you asked me for in the language of your choice, my friend:\nVotre colis arrivera malheureusement avec deux jours de retard, nous en sommes vraiment désolés.", false, true),
        ("1 + 1 = 2", true, true),
        ("привет, как дела", false, false),
        ("सबै व्यक्तिहरू जन्मजात", false, false),
        ("Watu wote", true, true),
    ];
    so_many_sentences, "id = \"length_constraints:number_sentences\"\ncount = 3\nrelation = \"at least\"", [
        ("One. Two. Three.", true, true),
        ("Dr. Smith left. He was late.", false, false),
        ("What? No! Yes.", true, true),
        ("One only", false, false),
    ];
    fewer_sentences, "id = \"length_constraints:number_sentences\"\ncount = 2\nrelation = \"less than\"", [
        ("One only.", true, true),
        ("One. Two.", false, false),
        ("Sure. Here it is:\nThe parcel is late.", false, true),
        ("e.g. this one", true, true),
    ];
    so_many_paragraphs, "id = \"length_constraints:number_paragraphs\"\ncount = 2", [
        ("First.\n***\nSecond.", true, true),
        ("First. *** Second. ***", true, true),
        ("First.\n\nSecond.", false, false),
        ("a *** *** b", false, false),
        ("Sure:\n***\nFirst.\n***\nSecond.", false, true),
    ];
    so_many_words, "id = \"length_constraints:number_words\"\ncount = 4\nrelation = \"at least\"", [
        ("one two three four", true, true),
        ("well-known U.S. word", true, true),
        ("one two three", false, false),
        ("don't stop now", true, true),
        ("यह हिन्दी है", false, false),
        ("mon re\u{301}sume\u{301} court", false, false),
    ];
    fewer_words, "id = \"length_constraints:number_words\"\ncount = 4\nrelation = \"less than\"", [
        ("one two three", true, true),
        ("one two three four", false, false),
        ("Sure, here it is:\none two", false, true),
        ("snake_case is one", true, true),
    ];
    the_nth_paragraph_begins_with_a_word, "id = \"length_constraints:nth_paragraph_first_word\"\ncount = 2\nnth = 2\nword = \"weekend\"", [
        ("It is Friday.\n\nWeekend plans follow.", true, true),
        ("It is Friday.\n\n\"Weekend!\" he said.", true, true),
        ("Weekend.\n\nIt is Friday.", false, false),
        ("One.\n\nTwo.\n\nWeekend.", false, true),
        ("It is Friday.\n\nWeekends follow.", false, false),
        ("It is Friday.\n\n*Weekend* plans.", false, true),
    ];
    so_many_placeholders, "id = \"detectable_content:number_placeholders\"\ncount = 2", [
        ("Dear [name], at [address].", true, true),
        ("[a][b]", true, true),
        ("Dear [name].", false, false),
        ("Dear [name\n], at [].", false, false),
    ];
    a_postscript_stands_there, "id = \"detectable_content:postscript\"\nmarker = \"P.S.\"", [
        ("Bye.\nP.S. Come soon.", true, true),
        ("Bye. p. s. come", true, true),
        ("Bye. PS come", false, false),
        ("Bye.", false, false),
        ("Bye. P*.S*. come", false, true),
    ];
    a_second_postscript_stands_there, "id = \"detectable_content:postscript\"\nmarker = \"P.P.S\"", [
        ("P.P.S. more", true, true),
        ("p. p. s more", true, true),
        ("P.S. more", false, false),
        ("P.P. more", false, false),
    ];
    so_many_bullets, "id = \"detectable_format:number_bullet_lists\"\ncount = 2", [
        ("* one\n* two", true, true),
        ("Here:\n- one\n  - two", true, true),
        ("* one", false, false),
        ("** one\n** two", false, false),
        ("- an aside\n- one\n- two", false, true),
    ];
    one_of_three_answers, "id = \"detectable_format:constrained_response\"", [
        ("My answer is yes.", true, true),
        ("I think so. My answer is maybe.", true, true),
        ("my answer is yes.", false, false),
        ("Yes.", false, false),
        ("My answer is *no*.", false, true),
    ];
    one_of_the_answers_given, "id = \"detectable_format:constrained_response\"\nvalues = [\"A\", \"B\"]", [
        ("It is A.", true, true),
        ("B", true, true),
        ("It is c.", false, false),
        ("My answer is yes.", false, false),
    ];
    so_many_highlights, "id = \"detectable_format:number_highlighted_sections\"\ncount = 2", [
        ("*one* and *two*", true, true),
        ("**one** and *two*", true, true),
        ("*one* only", false, false),
        ("* one\n* two", false, false),
        ("** **", false, false),
        ("***bold italic***", true, true),
        ("***one", false, false),
    ];
    so_many_sections, "id = \"detectable_format:multiple_sections\"\nsplitter = \"Section\"\ncount = 2", [
        ("Section 1\na\nSection 2\nb", true, true),
        ("Section1 a Section2 b", true, true),
        ("Section one\nSection two", false, false),
        ("Section① a Section② b", false, false),
        ("Section १ a Section २ b", true, true),
        ("SECTION 1\nSECTION 2", false, false),
        ("*Section* 1 a *Section* 2 b", false, true),
    ];
    the_output_is_json, "id = \"detectable_format:json_format\"", [
        ("{\"a\": 1}", true, true),
        ("```json\n[1, 2]\n```", true, true),
        ("Here: {\"a\": 1}", false, false),
        ("{\"a\": 1,}", false, false),
        ("Here it is:\n{\"a\": 1}", false, true),
    ];
    a_title_stands_there, "id = \"detectable_format:title\"", [
        ("<<The Parcel>>\nIt is late.", true, true),
        ("It is late. <<x>>", true, true),
        ("<The Parcel>", false, false),
        ("<< >>", false, false),
        ("<<>>", false, false),
    ];
    two_answers_differ, "id = \"combination:two_responses\"", [
        ("First.\n******\nSecond.", true, true),
        ("Same.\n******\nSame.", false, false),
        ("First.", false, false),
        ("a ****** b ****** c", false, false),
        ("a ****** ****** b", false, false),
    ];
    the_request_is_repeated, "id = \"combination:repeat_prompt\"\ntext = \"When do you close?\"", [
        ("When do you close? At six.", true, true),
        ("WHEN DO YOU CLOSE?\nAt six.", true, true),
        ("At six. When do you close?", false, false),
        ("When do you  close?", false, false),
        ("Sure.\nWhen do you close? At six.", false, true),
    ];
    the_output_ends_with_a_phrase, "id = \"startend:end_checker\"\nvalue = \"Any other questions?\"", [
        ("At six. Any other questions?", true, true),
        ("\"At six. any other questions?\"\n", true, true),
        ("Any other questions? No.", false, false),
        ("Any other questions", false, false),
        ("At six. Any other questions?\nBye.", false, true),
    ];
    the_output_is_quoted, "id = \"startend:quotation\"", [
        ("\"At six.\"", true, true),
        (" \"\" ", true, true),
        ("At \"six\".", false, false),
        ("\"", false, false),
        ("Sure:\n\"At six.\"", false, true),
    ];
    so_many_capital_words, "id = \"change_case:capital_word_frequency\"\ncount = 2\nrelation = \"at least\"", [
        ("We are OPEN NOW.", true, true),
        ("I am A.", true, true),
        ("OPEN now.", false, false),
        ("Open Now", false, false),
        ("OP*EN* NO*W*", true, true),
    ];
    fewer_capital_words, "id = \"change_case:capital_word_frequency\"\ncount = 2\nrelation = \"less than\"", [
        ("OPEN now.", true, true),
        ("We are OPEN NOW.", false, false),
        ("OK SURE:\nWe are open.", false, true),
        ("none", true, true),
    ];
    english_in_capitals, "id = \"change_case:english_capital\"", [
        ("YOUR PARCEL IS LATE AND WILL ARRIVE ON MONDAY, WE ARE SORRY.", true, true),
        ("YOUR PARCEL is late.", false, false),
        ("IHR PAKET IST LEIDER VERSPÄTET UND KOMMT ERST AM MONTAG BEI IHNEN AN.", false, false),
        ("Sure, here you are:\nYOUR PARCEL IS LATE.", false, true),
        ("123", false, false),
    ];
    english_without_capitals, "id = \"change_case:english_lowercase\"", [
        ("your parcel is late and will arrive on monday, we are sorry.", true, true),
        ("Your parcel is late.", false, false),
        ("ihr paket ist leider verspätet und kommt erst am montag bei ihnen an.", false, false),
        ("привет, как дела", false, false),
        ("Sure:\nyour parcel is late.", false, true),
        ("123", false, false),
    ];
    no_comma_stands_there, "id = \"punctuation:no_comma\"", [
        ("No pause here.", true, true),
        ("a; b", true, true),
        ("One, two.", false, false),
        ("Sure, here it is:\nNo pause.", false, true),
    ];
}

#[test]
fn every_id_of_the_benchmark_is_there() {
    let ids: Vec<&str> = instructions().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), 25);
    let shown = include_str!("instructions.rs");
    for id in ids {
        let rows = shown.matches(&format!("id = \\\"{id}\\\"")).count();
        assert!(rows >= 1, "{id} has no rows");
    }
}

#[test]
fn arguments_are_held_to_what_an_id_takes() {
    let check = |arguments: &str, part: &str| {
        let told = mistakes(&format!("kind = \"instruction\"\n{arguments}"));
        assert!(told.contains(part), "{arguments}: {told}");
    };
    check("id = \"keywords:exist\"", "did you mean `keywords:existence`?");
    check(
        "id = \"punctuation:no_comma\"\ncount = 1",
        "`punctuation:no_comma` takes no `count`; it takes none but `reading`",
    );
    check("id = \"keywords:frequency\"\nkeyword = \"x\"\ncount = 1", "`keywords:frequency` needs `relation`");
    check(
        "id = \"keywords:frequency\"\nkeyword = \"x\"\ncount = 1\nrelation = \"more\"",
        "neither \"at least\" nor \"less than\"",
    );
    check("id = \"length_constraints:number_paragraphs\"\ncount = 0", "whole number from 1");
    check("id = \"length_constraints:number_paragraphs\"\ncount = 1.5", "whole number from 1");
    check(
        "id = \"keywords:letter_frequency\"\nletter = \"ab\"\ncount = 1\nrelation = \"at least\"",
        "is not one letter",
    );
    check("id = \"language:response_language\"\nlanguage = \"klingon\"", "names no language that can be told");
    check("id = \"language:response_language\"\nlanguage = \"sw\"", "is Swahili, which cannot be told");
    check("id = \"language:response_language\"\nlanguage = \"xx\"", "known: `eo`, `en`");
    check("id = \"keywords:existence\"\nkeywords = []", "empty list");
    check("id = \"keywords:existence\"\nkeywords = [\"\"]", "is empty");
    check("id = \"startend:end_checker\"\nvalue = \" \"", "is empty");
    check("id = \"punctuation:no_comma\"\nreading = \"lax\"", "reading");
    check("reading = \"loose\"", "missing field `id`");
}

#[test]
fn arguments_may_name_parts_of_the_case() {
    let toml = "kind = \"instruction\"\nid = \"keywords:existence\"\nkeywords = \"{{expected.keywords}}\"";
    let with = |keywords: &str| case(&format!("{{\"expected\": {{\"keywords\": {keywords}}}}}"));
    assert_eq!(word(&scored(toml, with("[\"tea\"]"), response("Tea.", "{}"))), "passed");
    let spec = crate::trial::spec(toml).unwrap();
    let grader = crate::trial::grader(&[spec]).unwrap();
    assert!(grader.check_case(&with("[]")).unwrap_err().to_string().contains("empty list"));
}

#[test]
fn the_whole_output_is_read_whatever_the_version_says() {
    let spec = crate::trial::spec("kind = \"instruction\"\nid = \"punctuation:no_comma\"").unwrap();
    let answer = crate::trial::chain("{ json = \"/a\" }");
    let grader = crate::trial::grader_with(&[spec], Some(answer), &[]).unwrap();
    let graded = crate::trial::done(grader.grade(crate::trial::input(any_case(), response("no JSON", "{}"))));
    assert_eq!(word(&graded.assertions[0].scored), "passed");
}
