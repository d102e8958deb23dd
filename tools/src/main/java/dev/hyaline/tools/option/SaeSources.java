package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** Autoencoders whose latents are nodes of one circuit. */
public final class SaeSources implements CheckedOptions {
    @Option(
            names = {"-s", "--sae"},
            paramLabel = "SAE",
            required = true,
            description =
                    "An autoencoder, as for the command sae evaluate; several, at sites of their own, if repeated.")
    private List<String> saes = new ArrayList<>();

    @Option(
            names = "--site",
            paramLabel = "SITE",
            description = "With one --sae: the hook point that it reads. Default: what its files say.")
    private String site = "";

    @Override
    public void check() {
        saes.forEach(SaeSource::requireThere);
        if (!site.isEmpty()) {
            HookPoints.point(site);
            if (saes.size() > 1) {
                throw new BadInputException("--site is for one --sae, found " + saes.size());
            }
        }
    }

    /** The number of autoencoders. */
    public int size() {
        return saes.size();
    }

    /** Reads the autoencoders, and says what was understood. */
    public List<SaeFile> read(Console console) {
        return saes.stream().map(sae -> SaeSource.read(console, sae)).toList();
    }

    /** Attaches them to a model, and says what is converted. */
    public List<Attachment> attach(List<SaeFile> files, Gpt2 model, Console console) {
        List<Attachment> attachments = files.stream()
                .map(file -> SaeSource.attach(file, site, "", model.weights(), console))
                .toList();
        Set<String> places = new HashSet<>();
        for (Attachment attachment : attachments) {
            if (!places.add(attachment.place())) {
                throw new BadInputException("--sae: two autoencoders at " + attachment.place()
                        + ", of which each would take away what the other one explains; give one a site");
            }
        }
        return attachments;
    }
}
