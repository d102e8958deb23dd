package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class IndexSelectionTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | 10 | 0",
                "0,3-5,-1 | 10 | 0 3 4 5 9",
                "last | 7 | 6",
                "3-last | 6 | 3 4 5",
                "-3--1 | 6 | 3 4 5",
                "2--2 | 6 | 2 3 4",
                "4,4,3-4 | 6 | 3 4",
                "5,1 | 6 | 1 5",
                "3-100 | 5 | 3 4",
                "-100-1 | 5 | 0 1",
                "all | 3 | 0 1 2",
                "' 1 , 2 ' | 3 | 1 2",
            })
    void chooses(String text, int length, String expected) {
        assertThat(IndexSelection.parse(text).in(length, "position"))
                .containsExactly(Arrays.stream(expected.split(" "))
                        .mapToInt(Integer::parseInt)
                        .toArray());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "a",
                "1,",
                ",1",
                "1-",
                "--1",
                "1-2-3",
                "1.5",
                "5-3",
                "-1--3",
                "9999999999",
                "last-",
                "+1"
            })
    void refusesWhatIsNoSelection(String text) {
        assertThatThrownBy(() -> IndexSelection.parse(text)).isInstanceOf(BadInputException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"5", "-6", "0,5", "7-9", "-1-2"})
    void refusesWhatASequenceLacks(String text) {
        assertThatThrownBy(() -> IndexSelection.parse(text).in(5, "position"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("position");
    }

    @Test
    void namesWhatThereIs() {
        assertThatThrownBy(() -> IndexSelection.parse("12").in(12, "layer"))
                .hasMessage("there is no layer 12: layers run from 0 to 11");
    }

    @Property
    void anIndexFromTheEndIsThatIndex(
            @ForAll @IntRange(min = 1, max = 50) int length, @ForAll @IntRange(max = 49) int position) {
        int index = position % length;
        assertThat(IndexSelection.parse(String.valueOf(index - length)).in(length, "position"))
                .containsExactly(IndexSelection.parse(String.valueOf(index)).in(length, "position"))
                .containsExactly(index);
    }

    @Property
    void aRangeIsWhatPythonWouldSlice(
            @ForAll @IntRange(min = 1, max = 30) int length,
            @ForAll @IntRange(max = 40) int first,
            @ForAll @IntRange(max = 40) int more) {
        int end = Math.min(first + more, length - 1);
        IndexSelection range = IndexSelection.parse(first + "-" + (first + more));
        if (first >= length) {
            assertThatThrownBy(() -> range.in(length, "position")).isInstanceOf(BadInputException.class);
        } else {
            assertThat(range.in(length, "position"))
                    .hasSize(end - first + 1)
                    .isSorted()
                    .startsWith(first)
                    .endsWith(end);
        }
    }
}
