package dev.hyaline.analysis.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reference values made by another program in float64, compared within the tolerance that they were published with. */
final class Golden {
    static final double TIGHT = 1e-9;

    /** Of what inverts noncentral t, and of Bayes factors. */
    static final double INVERTED = 1e-7;

    private Golden() {}

    static JsonNode read(String file) {
        try (InputStream in = Golden.class.getResourceAsStream(file)) {
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static double[] doubles(JsonNode node) {
        return node.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    static List<String> strings(JsonNode node) {
        return node.valueStream().map(JsonNode::asString).toList();
    }

    /** Equal to 1e-9 of its size; near 0, to 1e-12. */
    static void close(double actual, JsonNode expected) {
        close(actual, expected, TIGHT);
    }

    static void close(double actual, JsonNode expected, double relative) {
        double value = expected.doubleValue();
        assertThat(actual)
                .isCloseTo(value, within(Math.max(1e-12 * Math.min(1, relative / TIGHT), relative * Math.abs(value))));
    }

    static void close(Interval actual, JsonNode expected) {
        close(actual, expected, TIGHT);
    }

    static void close(Interval actual, JsonNode expected, double relative) {
        close(actual.low(), expected.get(0), relative);
        close(actual.high(), expected.get(1), relative);
    }

    /** Absent exactly where null is expected, close elsewhere. */
    static void closeOrAbsent(Optional<Interval> actual, JsonNode expected) {
        assertThat(actual.isPresent()).isEqualTo(!expected.isNull());
        actual.ifPresent(interval -> close(interval, expected));
    }

    static void closeOrAbsent(Double actual, JsonNode expected) {
        assertThat(actual != null).isEqualTo(!expected.isNull());
        if (actual != null) {
            close(actual, expected);
        }
    }

    static void closeOrAbsent(OptionalDouble actual, JsonNode expected) {
        assertThat(actual.isPresent()).isEqualTo(!expected.isNull());
        actual.ifPresent(value -> close(value, expected));
    }

    static void close(PValues actual, JsonNode expected) {
        close(actual.twoSided(), expected.get("two_sided"));
        close(actual.greater(), expected.get("greater"));
        close(actual.less(), expected.get("less"));
    }
}
