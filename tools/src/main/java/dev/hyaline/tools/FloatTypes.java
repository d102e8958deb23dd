package dev.hyaline.tools;

import dev.hyaline.instrument.ElementType;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The types that activations can be written as. */
final class FloatTypes implements ITypeConverter<ElementType>, Iterable<String> {
    private static final List<ElementType> TYPES = List.of(ElementType.F32, ElementType.F16, ElementType.BF16);

    @Override
    public ElementType convert(String name) {
        return TYPES.stream()
                .filter(type -> type.toString().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("expected f32, f16 or bf16, found '" + name + "'"));
    }

    @Override
    public Iterator<String> iterator() {
        return names().iterator();
    }

    private static Stream<String> names() {
        return TYPES.stream().map(ElementType::toString);
    }
}
