package dev.hyaline.files;

import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Text of a record that holds arrays or long lists: as a record's own, but with the first values of each and their
 * number, and numbers with five digits.
 */
public final class RecordText {
    private static final int MAX_VALUES = 4;
    private static final MathContext DIGITS = new MathContext(5);

    private RecordText() {}

    /** The text of a public record of an exported package. */
    public static String of(Record value) {
        StringJoiner text = new StringJoiner(", ", value.getClass().getSimpleName() + "[", "]");
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            try {
                text.add(
                        component.getName() + "=" + text(component.getAccessor().invoke(value)));
            } catch (ReflectiveOperationException e) {
                throw new LinkageError(component + " cannot be read", e);
            }
        }
        return text.toString();
    }

    private static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case Double number -> number(number);
            case Float number -> number(number);
            case Collection<?> values -> listed(List.copyOf(first(values)), values.size());
            case Map<?, ?> map -> listed(List.copyOf(first(map.entrySet())), map.size());
            case Map.Entry<?, ?> entry -> text(entry.getKey()) + "=" + text(entry.getValue());
            default -> value.getClass().isArray() ? array(value) : Printable.plain(value.toString());
        };
    }

    private static List<Object> first(Collection<?> values) {
        List<Object> first = new ArrayList<>();
        values.stream().limit(MAX_VALUES).forEach(value -> first.add(String.valueOf(text(value))));
        return first;
    }

    private static String array(Object values) {
        List<Object> first = new ArrayList<>();
        int length = Array.getLength(values);
        for (int i = 0; i < Math.min(length, MAX_VALUES); i++) {
            first.add(text(Array.get(values, i)));
        }
        return listed(first, length);
    }

    private static String listed(List<?> first, int length) {
        StringJoiner text = new StringJoiner(", ", "[", length > first.size() ? ", ... of " + length + "]" : "]");
        first.forEach(value -> text.add(value.toString()));
        return text.toString();
    }

    private static String number(double value) {
        return Double.toString(
                Double.isFinite(value) ? new BigDecimal(value).round(DIGITS).doubleValue() : value);
    }
}
