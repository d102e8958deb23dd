package dev.hyaline.tools.option;

import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.dump.LongDocuments;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The values of an option, each chosen by its {@code toString} in upper or lower case. */
public class Choice<T> implements ITypeConverter<T>, Iterable<String> {
    private final List<T> values;

    public Choice(List<T> values) {
        this.values = values;
    }

    @Override
    public T convert(String name) {
        return values.stream()
                .filter(value -> value.toString().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("expected " + oneOf(values) + ", found '" + name + "'"));
    }

    /** Some values in words: {@code a}, {@code a or b}, {@code a, b or c}. */
    static String oneOf(List<?> values) {
        List<String> names = values.stream().map(Object::toString).toList();
        int last = names.size() - 1;
        return last < 1 ? String.join("", names) : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
    }

    @Override
    public Iterator<String> iterator() {
        return values.stream().map(Object::toString).iterator();
    }

    /** The formats of a dump. */
    public static final class Formats extends Choice<OutputFormat> {
        Formats() {
            super(List.of(OutputFormat.values()));
        }
    }

    /** The rules for long documents. */
    static final class LongDocumentRules extends Choice<LongDocuments> {
        LongDocumentRules() {
            super(List.of(LongDocuments.values()));
        }
    }

    /** The types that activations can be written as. */
    public static final class FloatTypes extends Choice<ElementType> {
        FloatTypes() {
            super(List.of(ElementType.F32, ElementType.F16, ElementType.BF16));
        }
    }
}
