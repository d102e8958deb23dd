package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class JsonTest {
    private static Json read(String json) {
        return Json.readObject(TestErrors.INSTANCE, "a.json", json.getBytes(UTF_8));
    }

    @Test
    void valuesKnowTheirFileAndTheirKey() {
        Json json = read("{\"a\":{\"b\":[1,\"x\"]}}");
        Json second = json.require("a").require("b").elements().get(1);
        assertThat(second.string()).isEqualTo("x");
        assertThatThrownBy(() -> second.integer(0, 9))
                .hasMessage("a.json: expected a.b[1] to be an integer from 0 to 9, found \"x\"");
        assertThatThrownBy(() -> json.require("a").require("c")).hasMessage("a.json: expected a key a.c, found none");
    }

    @Test
    void linesAreNamedOfWhatPeopleWrite() {
        byte[] text = "\uFEFF{\n\"a\": {\"x\": [[1], {\"y\": 2},\n 3]},\n\"b\":\n\"text\"}".getBytes(UTF_8);
        Json json = Json.readWrittenObject(TestErrors.INSTANCE, "a.json", text);
        List<Json> list = json.require("a").require("x").elements();
        assertThat(list.get(1).require("y").where()).isEqualTo("a.json, line 2");
        assertThat(list.get(2).where()).isEqualTo("a.json, line 3");
        assertThat(list.get(2).path()).isEqualTo("a.x[2]");
        assertThatThrownBy(() -> json.require("b").number())
                .hasMessage("a.json, line 4: expected b to be a finite number, found \"text\"");
        assertThatThrownBy(() -> json.require("a").require("z"))
                .hasMessage("a.json, line 2: expected a key a.z, found none");
        assertThatThrownBy(() -> Json.readWrittenObject(TestErrors.INSTANCE, "a.json", "[1]".getBytes(UTF_8)))
                .hasMessage("a.json, line 1: expected a JSON object, found an array");
        assertThatThrownBy(() -> Json.readWrittenObject(TestErrors.INSTANCE, "a.json", "\n7".getBytes(UTF_8)))
                .hasMessage("a.json, line 2: expected a JSON object, found 7");
    }

    @Test
    void aFaultIsToldWithoutTheParsersSettings() {
        assertThatThrownBy(() -> read("[".repeat(50)))
                .hasMessage("a.json: expected valid JSON, found Document nesting depth (33) exceeds the maximum"
                        + " allowed (32)");
        assertThatThrownBy(() -> read("// no\n{}"))
                .hasMessageContaining("found a comment, which JSON has not, at line 1, column")
                .hasMessageNotContaining("ALLOW");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{~ \"a\": , | ',' instead of a value at line 2, column 7",
                "{a: 1} | 'a' instead of a key in double quotes at line 1, column 2",
                "{\"a\": 1,} | '}' instead of a key in double quotes at line 1, column 9",
                "{\"a\": 1 \"b\": 2} | '\"' instead of a comma or } at line 1, column 9",
                "{\"a\": [1 2]} | '2' instead of a comma or ] at line 1, column 10",
                "{\"a\": [1}} | '}' instead of a comma or ] at line 1, column 9",
                "{\"a\" 1} | '1' instead of a colon at line 1, column 6",
                "{\"a\": True} | 'True' instead of a value (a text is in double quotes) at line 1, column 7",
                "{\"a\": 1.} | '}' instead of a digit at line 1, column 8",
                "{\"a\": 01} | a number that begins with 0 at line 1, column 8",
                "{\"a\": \"~\"} | a line break in a text at line 1, column 8",
                "{\"a\": \"x | the end of the text instead of a closing quote at line 1, column 9",
                "{\"a\": 1 | the end of the text instead of a comma or } at line 1, column 8",
                "{\"a\" | the end of the text too soon at line 1, column 5",
                "{\"a\": \"\\q\"} | \\q, which is no escape of JSON, at line 1, column 9",
                "{\"a\": 1, \"a\": 2} | the key \"a\" for the second time at line 1, column 13",
                "{\"a\": 1}} | '}', which closes nothing, at line 1, column 9",
            })
    void aFaultIsToldInWords(String json, String found) {
        assertThatThrownBy(() -> read(json.replace('~', '\n')))
                .hasMessage("a.json: expected valid JSON, found " + found);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":1,\"a\":2}", "{} {}", "{", "[1]", "{\"a\":}", "", "{\"a\":1}x"})
    void whatIsNoSingleObjectWithKeysOfTheirOwnIsRefused(String json) {
        assertThatThrownBy(() -> read(json)).hasMessageStartingWith("a.json: expected ");
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        byte[] latin = "{\"a\":\"\u00E9\"}".getBytes(ISO_8859_1);
        assertThatThrownBy(() -> Json.readObject(TestErrors.INSTANCE, "a.json", latin))
                .hasMessage("a.json: expected UTF-8 text, found bytes that are not UTF-8");
    }

    @Test
    void deepNestingAndEndlessNumbersAreRefused() {
        assertThatThrownBy(() -> read("{\"a\":" + "[".repeat(100) + "]".repeat(100) + "}"))
                .hasMessageStartingWith("a.json: expected valid JSON, found ");
        assertThatThrownBy(() -> read("{\"a\":" + "9".repeat(400) + "}"))
                .hasMessageStartingWith("a.json: expected valid JSON, found ");
    }

    @Test
    void aValueIsShownAsJson() {
        Json json = read("{ \"a\" : [1, 2.5, true, null, \"x\\ny\"], \"b\": {} }");
        assertThat(json).hasToString("{\"a\":[1,2.5,true,null,\"x\\ny\"],\"b\":{}}");
        assertThat(json.names()).containsExactly("a", "b");
        assertThat(json.require("a").elements().get(1).names()).isEmpty();
    }

    @Test
    void wholeNumbersAreWrittenAsSuch() {
        Json json = read("{\"a\":[7,4294967296,1.0,99999999999999999999,\"7\"]}");
        List<Json> numbers = json.require("a").elements();
        assertThat(numbers.get(1).whole(0)).isEqualTo(1L << 32);
        assertThat(numbers.get(0).isWhole(8, 9)).isFalse();
        assertThat(numbers.get(3).isWhole()).isTrue();
        assertThat(numbers.get(3).isWhole(0, Long.MAX_VALUE)).isFalse();
        for (int i : new int[] {2, 3, 4}) {
            assertThatThrownBy(() -> numbers.get(i).whole(0))
                    .hasMessageStartingWith("a.json: expected a[" + i + "] to be a whole number of at least 0, found ");
        }
    }
}
