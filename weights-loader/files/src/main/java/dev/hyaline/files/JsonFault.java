package dev.hyaline.files;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a parser says of text that is not JSON, in the words of people who write such files. */
public final class JsonFault {
    private record Wording(Pattern parsers, String ours) {
        static Wording of(String parsers, String ours) {
            return new Wording(Pattern.compile(parsers, Pattern.DOTALL), ours);
        }
    }

    /** What the parser says of its own settings. */
    private static final Pattern SETTINGS =
            Pattern.compile(",? from `[^`]*`| \\(not recognized as one since Feature [^)]*\\)");

    private static final String CHARACTER = "Unexpected character \\((.+) \\(code \\d+\\)\\)";

    /** A place at the end of a message stays there. */
    private static final String PLACE = "(?<place>(?: at)? line \\d+, column \\d+)?$";

    private static final List<Wording> WORDINGS = List.of(
            Wording.of(CHARACTER + ": expected a valid value.*?" + PLACE, "$1 instead of a value"),
            Wording.of(CHARACTER + ": was expecting double-quote.*?" + PLACE, "$1 instead of a key in double quotes"),
            Wording.of(CHARACTER + ": was expecting comma to separate Object.*?" + PLACE, "$1 instead of a comma or }"),
            Wording.of(CHARACTER + ": was expecting comma to separate Array.*?" + PLACE, "$1 instead of a comma or ]"),
            Wording.of(CHARACTER + ": was expecting a colon.*?" + PLACE, "$1 instead of a colon"),
            Wording.of(CHARACTER + ": maybe a \\(non-standard\\) comment.*?" + PLACE, "a comment, which JSON has not,"),
            Wording.of(CHARACTER + ": expected a hex-digit.*?" + PLACE, "$1 instead of a hexadecimal digit"),
            Wording.of(CHARACTER + " in numeric value.*?" + PLACE, "$1 instead of a digit"),
            Wording.of(
                    "Unrecognized token '(.*?)': was expecting.*?" + PLACE,
                    "'$1' instead of a value (a text is in double quotes)"),
            Wording.of(
                    "Unexpected end-of-input.* for Object.*?" + PLACE, "the end of the text instead of a comma or }"),
            Wording.of("Unexpected end-of-input.* for Array.*?" + PLACE, "the end of the text instead of a comma or ]"),
            Wording.of(
                    "Unexpected end-of-input.*closing quote.*?" + PLACE,
                    "the end of the text instead of a closing quote"),
            Wording.of("Unexpected end-of-input.*?" + PLACE, "the end of the text too soon"),
            Wording.of("Unexpected close marker '(.)': expected '(.)'.*?" + PLACE, "'$1' instead of a comma or $2"),
            Wording.of("Unexpected close marker '(.)': no open.*?" + PLACE, "'$1', which closes nothing,"),
            Wording.of(
                    "Illegal unquoted character \\(\\(CTRL-CHAR, code 10\\)\\).*?" + PLACE, "a line break in a text"),
            Wording.of(
                    "Illegal unquoted character \\(\\(CTRL-CHAR, code (\\d+)\\)\\).*?" + PLACE,
                    "the control character $1 in a text"),
            Wording.of(
                    "Unrecognized character escape '(.+)' \\(code \\d+\\).*?" + PLACE,
                    "\\\\$1, which is no escape of JSON,"),
            Wording.of("Duplicate Object property \"(.*)\".*?" + PLACE, "the key \"$1\" for the second time"),
            Wording.of("Invalid numeric value: Leading zeroes.*?" + PLACE, "a number that begins with 0"));

    private JsonFault() {}

    /** The words, and the place as far as the parser's message has it. */
    public static String inWords(Exception parsers) {
        String message = SETTINGS.matcher(Printable.parserMessage(parsers)).replaceAll("");
        for (Wording wording : WORDINGS) {
            Matcher said = wording.parsers.matcher(message);
            if (said.matches()) {
                String place = said.group("place");
                return said.replaceFirst(wording.ours) + (place == null ? "" : place);
            }
        }
        return message;
    }
}
