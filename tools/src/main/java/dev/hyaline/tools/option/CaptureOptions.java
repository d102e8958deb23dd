package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine.Option;

/** The positions, heads, neurons and prompts that are recorded at each hook point. */
public final class CaptureOptions implements CheckedOptions {
    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = {
                "Only these positions of each prompt: 0,3-5,-1 or last (a range is cut to the prompt, a single position"
                        + " must exist). Of attention maps they choose the queries."
            })
    private String positions = "all";

    @Option(
            names = "--roles",
            paramLabel = "NAMES",
            split = ",",
            description = {
                "Only the tokens that have these roles in their prompts, besides those that --positions names. The"
                        + " prompts' JSON Lines give the position of each role: {\"text\": ..., \"positions\":"
                        + " {\"subject\": 4, \"end\": -1}} (the token that begins a text is at 0)."
            })
    private List<String> roles = new ArrayList<>();

    @Option(names = "--heads", paramLabel = "HEADS", description = "Only these heads, at sites with heads: 0,3-5,-1.")
    private String heads = "all";

    @Option(
            names = "--neurons",
            paramLabel = "NEURONS",
            description = "Only these neurons, at mlp.pre and mlp.post, likewise.")
    private String neurons = "all";

    @Option(
            names = "--sequences",
            paramLabel = "LIST",
            description = "Only these prompts, by number; the first is 0. The others are not run.")
    private String sequences = "all";

    @Override
    public void check() {
        positions();
        heads();
        neurons();
        sequences();
    }

    /** Returns whether the choice depends on the prompts, as it cannot for a corpus in shards. */
    public boolean choosesAmongPrompts() {
        return !roles.isEmpty() || !sequences().isAll();
    }

    /** Refuses the options that a corpus in shards cannot have. */
    public void requireForShards() {
        if (choosesAmongPrompts()) {
            throw new BadInputException((roles.isEmpty() ? "--sequences goes" : "--roles goes")
                    + " with one file of prompts; leave out --shards and the other options for shards");
        }
    }

    public Capture capture(List<HookPoint> points) {
        return Capture.of(points)
                .positions(positions())
                .roles(roles.toArray(String[]::new))
                .heads(heads())
                .neurons(neurons())
                .sequences(sequences());
    }

    /**
     * Checks that the chosen prompts exist and have the roles that are asked for.
     *
     * @throws BadInputException if a prompt or one of its roles is missing
     */
    public void requireRoles(List<PromptInput> prompts) {
        for (int s : sequences().in(prompts.size(), "sequence")) {
            PromptInput prompt = prompts.get(s);
            for (String role : roles) {
                if (!prompt.positions().containsKey(role)) {
                    throw new BadInputException("--roles: " + Printable.plain(prompt.source()) + " does not say where "
                            + Printable.plain(role)
                            + " stands; its \"positions\" name "
                            + (prompt.positions().isEmpty()
                                    ? "nothing"
                                    : Printable.listed(prompt.positions().keySet())));
                }
            }
        }
    }

    /**
     * The prompts with the roles that are asked for; those that are not chosen need not have them.
     *
     * @param inputs the prompts as they were given, checked by {@link #requireRoles}
     */
    public Prompts withRoles(Prompts prompts, List<PromptInput> inputs) {
        Prompts named = prompts;
        for (String role : roles) {
            int[] positions = new int[prompts.size()];
            for (int s : sequences().in(positions.length, "sequence")) {
                positions[s] = Objects.requireNonNull(inputs.get(s).positions().get(role));
            }
            named = named.role(role, positions);
        }
        return named;
    }

    public IndexSelection positions() {
        return SelectionOptions.indices("--positions", positions);
    }

    public IndexSelection heads() {
        return SelectionOptions.indices("--heads", heads);
    }

    public IndexSelection neurons() {
        return SelectionOptions.indices("--neurons", neurons);
    }

    private IndexSelection sequences() {
        return SelectionOptions.indices("--sequences", sequences);
    }

    /** The options that choose the same again. */
    public List<String> canonical() {
        List<String> options = new ArrayList<>(List.of("--positions", positions));
        if (!roles.isEmpty()) {
            options.addAll(List.of("--roles", String.join(",", roles)));
        }
        options.addAll(List.of("--heads", heads, "--neurons", neurons, "--sequences", sequences));
        return options;
    }
}
