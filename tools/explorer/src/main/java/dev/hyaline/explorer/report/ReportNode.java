package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.explorer.Tone;
import dev.hyaline.files.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A value of a report, and its address. What is absent or null is NaN, nothing, or what the caller says.
 *
 * @param address the keys and indices that lead to it, with strokes between; empty for the whole
 */
record ReportNode(Json json, String address) {
    static ReportNode of(Json report) {
        return new ReportNode(report, "");
    }

    /** The address of a value below this. */
    String at(String key) {
        // As JSON pointers escape them (RFC 6901).
        String escaped = key.replace("~", "~0").replace("/", "~1");
        return address.isEmpty() ? escaped : address + "/" + escaped;
    }

    Optional<ReportNode> get(String key) {
        return json.nullable(key).map(value -> new ReportNode(value, at(key)));
    }

    /** The value below several keys in turn. */
    Optional<ReportNode> path(String... keys) {
        Optional<ReportNode> node = Optional.of(this);
        for (String key : keys) {
            node = node.flatMap(value -> value.get(key));
        }
        return node;
    }

    /** The elements of an array below this; none if it is absent. */
    List<ReportNode> list(String key) {
        return get(key).map(ReportNode::elements).orElse(List.of());
    }

    List<ReportNode> elements() {
        List<ReportNode> elements = new ArrayList<>();
        for (Json element : json.elements()) {
            elements.add(new ReportNode(element, at(String.valueOf(elements.size()))));
        }
        return elements;
    }

    /** The values of an object below this by key; none if it is absent. */
    List<String> names(String key) {
        return get(key).map(object -> object.json.names()).orElse(List.of());
    }

    String text(String key, String otherwise) {
        return get(key).map(value -> value.json.string()).orElse(otherwise);
    }

    List<String> texts(String key) {
        return list(key).stream().map(element -> element.json.string()).toList();
    }

    boolean flag(String key, boolean otherwise) {
        return get(key).map(value -> value.json.bool()).orElse(otherwise);
    }

    double number(String key) {
        return get(key).map(value -> value.json.number()).orElse(Double.NaN);
    }

    /** The numbers of an array below this; NaN for each null. */
    double[] numbers(String key) {
        return list(key).stream()
                .mapToDouble(element -> element.json.isNull() ? Double.NaN : element.json.number())
                .toArray();
    }

    /** Two numbers; null if they are absent. */
    @Nullable
    Interval interval(String key) {
        ReportNode ends = get(key).orElse(null);
        if (ends == null) {
            return null;
        }
        double[] both = numbers(key);
        if (both.length != 2) {
            throw ends.json.expected("two numbers");
        }
        return new Interval(both[0], both[1]);
    }

    /** The tone of a word below this. */
    Tone tone(String key) {
        return toneOf(text(key, ""));
    }

    static Tone toneOf(String word) {
        return switch (word) {
            case "supported", "confirmed", "passed", "robust", "excluded" -> Tone.GOOD;
            case "refuted", "failed", "fragile", "not excluded" -> Tone.BAD;
            case "inconclusive", "uncertain", "not present" -> Tone.UNSURE;
            default -> Tone.PLAIN;
        };
    }
}
