package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.statistics.Interval;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Values as a study's files have them. */
final class Written {
    private Written() {}

    /** A number; null where it is not finite, which JSON has no word for. */
    static void number(String key, double value, JsonGenerator json) {
        json.writeName(key);
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }

    static void interval(String key, @Nullable Interval interval, JsonGenerator json) {
        json.writeName(key);
        if (interval == null) {
            json.writeNull();
        } else {
            json.writeStartArray();
            json.writeNumber(interval.low());
            json.writeNumber(interval.high());
            json.writeEndArray();
        }
    }

    static void strings(String key, List<?> values, JsonGenerator json) {
        json.writeArrayPropertyStart(key);
        values.forEach(value -> json.writeString(value.toString()));
        json.writeEndArray();
    }

    static void text(String key, @Nullable Object value, JsonGenerator json) {
        json.writeName(key);
        if (value == null) {
            json.writeNull();
        } else {
            json.writeString(value.toString());
        }
    }
}
