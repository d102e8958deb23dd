package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.tools.terminal.Console;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which autoencoder, and where in the model. */
public final class SaeSource implements CheckedOptions {
    @Option(
            names = {"-s", "--sae"},
            paramLabel = "DIR",
            required = true,
            description = {
                "An autoencoder: a folder of SAELens's, dictionary_learning's, sparsify's or Gemma Scope's, or OpenAI's"
                        + " .pt file."
            })
    private String sae = "";

    @Option(
            names = "--site",
            paramLabel = "SITE",
            description = "The hook point that it reads. Default: what its files say.")
    private String site = "";

    @Option(
            names = "--site-out",
            paramLabel = "SITE",
            description = "The hook point that a transcoder writes. Default: what its files say.")
    private String siteOut = "";

    @Override
    public void check() {
        if (!Files.exists(path())) {
            throw new BadInputException("--sae: there is nothing called " + sae);
        }
        if (!site.isEmpty()) {
            HookPoints.point(site);
        }
        if (!siteOut.isEmpty()) {
            HookPoints.point(siteOut);
        }
    }

    public Path path() {
        return ModelOptions.path("--sae", sae);
    }

    /** Reads the autoencoder, and says what was understood. */
    public SaeFile read(Console console) {
        SaeFile file = SaeFiles.read(path());
        file.notes().forEach(note -> console.err().println("hyaline: " + note));
        return file;
    }

    /** Attaches it to a model, and says what is converted. */
    public Attachment attach(SaeFile file, Gpt2 model, Console console) {
        Attachment attachment;
        if (site.isEmpty() && siteOut.isEmpty()) {
            attachment = Attachment.of(file.autoencoder(), model);
        } else {
            HookPoint in = HookPoints.point(
                    site.isEmpty() ? file.autoencoder().metadata().hookName().orElse(siteOut) : site);
            HookPoint out = !siteOut.isEmpty()
                    ? HookPoints.point(siteOut)
                    : file.autoencoder().config().transcoder()
                            ? HookPoints.point(
                                    file.autoencoder().metadata().hookNameOut().orElse(site))
                            : in;
            attachment = Attachment.of(file.autoencoder(), model, in, out);
        }
        attachment.notes().forEach(note -> console.err().println("hyaline: " + note));
        return attachment;
    }
}
