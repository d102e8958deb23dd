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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The layers, heads, components, positions and sequences that a command's interventions act on. */
public final class TargetOptions implements CheckedOptions {
    private static final Pattern TENSOR_ROW = Pattern.compile("(.+\\.safetensors)(?::([^:]+)(?::(\\d{1,9}))?)?");

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = "Only these layers, for all the options above: 0,3-5,-1.")
    private @Nullable String layers;

    @Option(names = "--heads", paramLabel = "HEADS", description = "Only these heads, likewise.")
    private @Nullable String heads;

    @ArgGroup
    private Within within = new Within();

    /** The part of a row to change: some of its components, or its projection onto a subspace. */
    private static final class Within {
        @Option(
                names = "--components",
                paramLabel = "LIST",
                description = "Only these neurons, dimensions, keys of an attention map or logits, likewise.")
        private @Nullable String components;

        @Option(
                names = "--subspace",
                paramLabel = "VECTOR",
                description = {
                    "Only the component along a vector, given as for --add, likewise. Give it again for a subspace of"
                            + " more dimensions."
                })
        private List<String> subspace = new ArrayList<>();
    }

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = "Only these positions of each prompt, likewise: 0,3-5,-1 or last.")
    private @Nullable String positions;

    @Option(names = "--sequences", paramLabel = "LIST", description = "Only these prompts, likewise; the first is 0.")
    private @Nullable String sequences;

    @Override
    public void check() {
        if (layers != null) {
            SelectionOptions.indices("--layers", layers);
        }
        parts(Target.of(Site.Z));
    }

    /** Returns whether any of these options is given. */
    boolean isGiven() {
        return layers != null
                || heads != null
                || within.components != null
                || !within.subspace.isEmpty()
                || positions != null
                || sequences != null;
    }

    /** Returns a target per site for the hook points that an option names, narrowed by these options. */
    List<Target> targets(Gpt2Config config, String patterns) {
        IndexSelection chosenLayers =
                layers == null ? IndexSelection.all() : SelectionOptions.indices("--layers", layers);
        return Target.select(config, patterns, chosenLayers).stream()
                .map(this::parts)
                .toList();
    }

    private Target parts(Target everything) {
        Target target = everything;
        if (heads != null) {
            target = target.heads(SelectionOptions.indices("--heads", heads));
        }
        if (within.components != null) {
            target = target.components(SelectionOptions.indices("--components", within.components));
        }
        if (!within.subspace.isEmpty()) {
            target = target.subspace(within.subspace.stream()
                    .map(text -> vector("--subspace", text))
                    .toList());
        }
        if (positions != null) {
            target = target.positions(SelectionOptions.indices("--positions", positions));
        }
        return sequences == null ? target : target.sequences(SelectionOptions.indices("--sequences", sequences));
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
