package dev.hyaline.tools.option;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Which hook points. */
public final class SelectionOptions {
    @Option(
            names = {"-s", "--sites"},
            paramLabel = "NAMES",
            description = {
                "Hook points, with commas between: short names (resid_post, pattern, mlp_post), full names"
                        + " (blocks.3.attn.hook_z), globs (resid_*, *.attn.hook_*) or all. The command sites lists"
                        + " them."
            })
    List<String> sites = new ArrayList<>();

    @Option(
            names = {"-l", "--layers"},
            paramLabel = "LAYERS",
            description = {
                "Only these layers: 0,3-5,-1 (negative ones count from the end). Hook points outside the layers stay"
                        + " only if named outright."
            })
    public String layers;

    public List<HookPoint> select(Gpt2Config config, String defaultSites) {
        return HookPoints.select(config, patterns(defaultSites), layers());
    }

    public List<String> patterns(String defaultSites) {
        return sites.isEmpty() ? List.of(defaultSites) : sites;
    }

    public IndexSelection layers() {
        return layers == null ? IndexSelection.all() : indices("--layers", layers);
    }

    /** Reads an option's indices; what is wrong with them names the option. */
    public static IndexSelection indices(String option, String text) {
        try {
            return IndexSelection.parse(text);
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }
}
