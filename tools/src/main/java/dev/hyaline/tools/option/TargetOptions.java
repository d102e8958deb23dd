package dev.hyaline.tools.option;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The layers, heads, components, positions and sequences that a command's interventions act on. */
abstract class TargetOptions implements CheckedOptions {
    private static final Pattern TENSOR_ROW = Pattern.compile("(.+\\.safetensors)(?::([^:]+)(?::(\\d{1,9}))?)?");

    /** What the options' names begin with. */
    abstract String prefix();

    abstract @Nullable String layers();

    abstract @Nullable String heads();

    abstract @Nullable String components();

    abstract List<String> subspace();

    abstract @Nullable String positions();

    abstract @Nullable String sequences();

    @Override
    public void check() {
        @Nullable String layers = layers();
        if (layers != null) {
            indices("layers", layers);
        }
        parts(Target.of(Site.Z));
    }

    /** Returns whether any of these options is given. */
    boolean isGiven() {
        return layers() != null
                || heads() != null
                || components() != null
                || !subspace().isEmpty()
                || positions() != null
                || sequences() != null;
    }

    /** The names of these options, in words. */
    String names() {
        return Stream.of("layers", "heads", "components", "subspace", "positions")
                        .map(name -> prefix() + name)
                        .collect(Collectors.joining(", "))
                + " and " + prefix() + "sequences";
    }

    /** The options that choose the same again. */
    List<String> canonical() {
        List<String> options = new ArrayList<>();
        EditOptions.repeat(options, prefix() + "layers", list(layers()));
        EditOptions.repeat(options, prefix() + "heads", list(heads()));
        EditOptions.repeat(options, prefix() + "components", list(components()));
        EditOptions.repeat(options, prefix() + "subspace", subspace());
        EditOptions.repeat(options, prefix() + "positions", list(positions()));
        EditOptions.repeat(options, prefix() + "sequences", list(sequences()));
        return options;
    }

    private static List<String> list(@Nullable String value) {
        return value == null ? List.of() : List.of(value);
    }

    private IndexSelection indices(String name, String text) {
        return SelectionOptions.indices(prefix() + name, text);
    }

    /** Returns a target per site for the hook points that an option names, narrowed by these options. */
    List<Target> targets(Gpt2Config config, String patterns) {
        @Nullable String layers = layers();
        IndexSelection chosenLayers = layers == null ? IndexSelection.all() : indices("layers", layers);
        return Target.select(config, patterns, chosenLayers).stream()
                .map(this::parts)
                .toList();
    }

    private Target parts(Target everything) {
        Target target = narrowed(everything, "heads", heads(), Target::heads);
        target = narrowed(target, "components", components(), Target::components);
        if (!subspace().isEmpty()) {
            target = target.subspace(subspace().stream()
                    .map(text -> vector(prefix() + "subspace", text))
                    .toList());
        }
        target = narrowed(target, "positions", positions(), Target::positions);
        return narrowed(target, "sequences", sequences(), Target::sequences);
    }

    private Target narrowed(
            Target target, String name, @Nullable String text, BiFunction<Target, IndexSelection, Target> narrow) {
        return text == null ? target : narrow.apply(target, indices(name, text));
    }

    /** Reads a row of a tensor in a file, named as on the command line. */
    static Direction vector(String option, String text) {
        if (text.endsWith(".npy")) {
            return Direction.read(PathOption.readable(option, text));
        }
        Matcher match = TENSOR_ROW.matcher(text);
        if (!match.matches()) {
            throw new BadInputException(option
                    + ": expected a tensor in a file, such as v.safetensors if it is the only one, v.safetensors:name"
                    + " or v.safetensors:name:3, found '"
                    + text + "'");
        }
        long row = match.group(3) == null ? 0 : Long.parseLong(match.group(3));
        Path file = PathOption.readable(option, match.group(1));
        return match.group(2) == null ? Direction.read(file) : Direction.read(file, match.group(2), row);
    }
}
