package dev.hyaline.tools.option;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The targets of a command that chooses nothing else by layer, head or position. */
final class PlainTargets extends TargetOptions {
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
    String prefix() {
        return "--";
    }

    @Override
    @Nullable
    String layers() {
        return layers;
    }

    @Override
    @Nullable
    String heads() {
        return heads;
    }

    @Override
    @Nullable
    String components() {
        return within.components;
    }

    @Override
    List<String> subspace() {
        return within.subspace;
    }

    @Override
    @Nullable
    String positions() {
        return positions;
    }

    @Override
    @Nullable
    String sequences() {
        return sequences;
    }
}
