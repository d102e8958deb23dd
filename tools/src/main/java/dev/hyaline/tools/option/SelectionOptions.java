package dev.hyaline.tools.option;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A choice of hook points. */
public final class SelectionOptions implements CheckedOptions {
    /** Begins the name of a site within an autoencoder. */
    private static final String INNER = "hook_sae_";

    /** More layers than any GPT-2 has. */
    private static final Gpt2Config MANY_LAYERS =
            new Gpt2Config(200, 1, 1, 1, 1, 1, 0, ActivationFunction.GELU_NEW, true, false, true);

    @Option(
            names = {"-s", "--sites"},
            paramLabel = "NAMES",
            completionCandidates = Names.class,
            description = {
                "Hook points, with commas between: short names of all layers (resid_post, pattern, mlp_post) or of one"
                        + " (resid_pre2: resid_pre of layer 2), full names (blocks.3.attn.hook_z), globs (resid_*,"
                        + " *.attn.hook_*) or all. The command sites lists them."
            })
    List<String> sites = new ArrayList<>();

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = {
                "Only these layers: 0,3-5,-1 (negative ones count from the end). Hook points outside the layers stay"
                        + " only if named outright."
            })
    public @Nullable String layers;

    /** Short names of the sites. */
    static final class Names extends Choice<String> {
        Names() {
            super(Stream.concat(Stream.of("all"), Arrays.stream(Site.values()).map(Site::shortName))
                    .toList());
        }
    }

    /** Short names of the sites, a value to follow. */
    static final class NamesWithValue extends Choice<String> {
        NamesWithValue() {
            super(Arrays.stream(Site.values())
                    .map(site -> site.shortName() + "=")
                    .toList());
        }
    }

    @Override
    public void check() {
        layers();
        requireSites(patterns().toList());
    }

    private Stream<String> names() {
        return sites.stream().flatMap(list -> Arrays.stream(list.split(",", -1)));
    }

    private static boolean isInner(String name) {
        return name.strip().substring(name.strip().lastIndexOf('.') + 1).startsWith(INNER);
    }

    /** What is asked for of models, without inner sites of autoencoders. */
    private Stream<String> patterns() {
        return innerSites().isEmpty() ? sites.stream() : names().filter(name -> !isInner(name));
    }

    /** Names of inner sites of autoencoders: {@code hook_sae_acts_post}, by itself or after a hook point. */
    public List<String> innerSites() {
        return names().filter(SelectionOptions::isInner).map(String::strip).toList();
    }

    /**
     * Checks that every pattern matches a hook point of some model.
     *
     * @throws dev.hyaline.engine.error.UnknownHookPointException if a pattern matches nothing
     */
    public static void requireSites(List<String> patterns) {
        for (String list : patterns) {
            try {
                HookPoints.select(MANY_LAYERS, list);
            } catch (BadInputException e) {
                // The number of layers depends on the model.
                if (list.isBlank() || Arrays.stream(list.split(",", -1)).anyMatch(String::isBlank)) {
                    throw e;
                }
            }
        }
    }

    public List<HookPoint> select(Gpt2Config config, String defaultSites) {
        return HookPoints.select(config, patterns(defaultSites), layers());
    }

    public List<String> patterns(String defaultSites) {
        return sites.isEmpty() ? List.of(defaultSites) : patterns().toList();
    }

    /** Returns whether no site was chosen. */
    boolean isEmpty() {
        return sites.isEmpty();
    }

    public IndexSelection layers() {
        return layers == null ? IndexSelection.all() : indices("--layers", layers);
    }

    /**
     * Checks a selection that may be left out.
     *
     * @throws BadInputException if the text is not a selection
     */
    public static void checkIndices(String option, @Nullable String text) {
        if (text != null) {
            indices(option, text);
        }
    }

    /** Parses an option's indices; errors name the option. */
    public static IndexSelection indices(String option, String text) {
        try {
            return IndexSelection.parse(text);
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }
}
