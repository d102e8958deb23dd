package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.AlphaChars;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EditDistanceTest {
    @ParameterizedTest
    @CsvSource({"'', '', 0", "'', abc, 3", "abc, abc, 0", "abc, acb, 1", "kitten, sitting, 3", "ca, abc, 3", "z, zz, 1"
    })
    void countsEdits(String a, String b, int distance) {
        assertThat(EditDistance.between(a, b)).isEqualTo(distance);
    }

    @Test
    void findsTheNearestName() {
        List<String> names = List.of("model", "mode", "claims");
        assertThat(EditDistance.nearest("modle", names)).contains("model");
        assertThat(EditDistance.nearest("clam", names)).isEmpty();
        assertThat(EditDistance.nearest("claim", names)).contains("claims");
        assertThat(EditDistance.nearest("m".repeat(101), List.of("m".repeat(100))))
                .isEmpty();
    }

    @Property
    void isSymmetricAndAtMostTheLongerLength(
            @ForAll @AlphaChars @StringLength(max = 8) String a, @ForAll @AlphaChars @StringLength(max = 8) String b) {
        assertThat(EditDistance.between(a, b))
                .isEqualTo(EditDistance.between(b, a))
                .isBetween(Math.abs(a.length() - b.length()), Math.max(a.length(), b.length()));
    }
}
