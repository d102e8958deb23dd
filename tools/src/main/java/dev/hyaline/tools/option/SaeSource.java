package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.HubProgress;
import dev.hyaline.weights.hub.Hub;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.HubSettings;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which autoencoder, and where in the model. */
public final class SaeSource implements CheckedOptions {
    @Option(
            names = {"-s", "--sae"},
            paramLabel = "SAE",
            required = true,
            description = {
                "An autoencoder: a folder of SAELens's, dictionary_learning's, sparsify's or Gemma Scope's, or OpenAI's"
                        + " .pt file; or a repository of the Hugging Face hub, OWNER/NAME[@REVISION][:FOLDER], which is"
                        + " downloaded into the hub's cache."
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
        requireThere(sae);
        if (!site.isEmpty()) {
            HookPoints.point(site);
        }
        if (!siteOut.isEmpty()) {
            HookPoints.point(siteOut);
        }
    }

    /** Checks that an autoencoder is a file or folder here, or may be a repository of the hub. */
    static void requireThere(String sae) {
        if (!Files.exists(PathOption.parse("--sae", sae)) && hubName(sae).isEmpty()) {
            throw missing(sae);
        }
    }

    private static FileException missing(String sae) {
        return FileException.reading(sae, new NoSuchFileException(sae));
    }

    /** The autoencoder's name, as it was given. */
    public String name() {
        return sae;
    }

    /** The repository that is named; a bare name without an owner is none. */
    private static Optional<HubName> hubName(String sae) {
        int colon = sae.indexOf(':');
        return HubName.parse(colon < 0 ? sae : sae.substring(0, colon)).filter(HubName::hasOwner);
    }

    /** Reads an autoencoder that is a file or folder here or, if there is none, on the hub. */
    static SaeFile read(Console console, String sae) {
        SaeFile file = SaeFiles.read(find(console, sae));
        file.notes().forEach(note -> console.err().println("hyaline: " + note));
        return file;
    }

    private static Path find(Console console, String sae) {
        Path path = PathOption.parse("--sae", sae);
        if (Files.exists(path)) {
            return path;
        }
        HubName name = hubName(sae).orElseThrow(() -> missing(sae));
        int colon = sae.indexOf(':');
        Hub hub = Hub.of(HubSettings.of(console.environment()));
        try (HubProgress progress = new HubProgress(console, name)) {
            return hub.folder(name, colon < 0 ? "" : sae.substring(colon + 1), SaeFiles::isRead, progress);
        } catch (HubException e) {
            throw new HubException(e.reason(), e.getMessage() + " (and there is no file or folder " + sae + ")", e);
        }
    }

    /** Reads the autoencoder, and says what was understood. */
    public SaeFile read(Console console) {
        return read(console, sae);
    }

    /** Attaches it to a model, and says what is converted. */
    public Attachment attach(SaeFile file, Gpt2 model, Console console) {
        return attach(file, site, siteOut, model.weights(), console);
    }

    /**
     * As {@link #attach(SaeFile, Gpt2, Console)}, to sites that are named; to those of its files where they are not.
     */
    static Attachment attach(SaeFile file, String site, String siteOut, Gpt2Weights weights, Console console) {
        Attachment attachment;
        if (site.isEmpty() && siteOut.isEmpty()) {
            attachment = Attachment.of(file.autoencoder(), weights);
        } else {
            HookPoint in = HookPoints.point(
                    site.isEmpty() ? file.autoencoder().metadata().hookName().orElse(siteOut) : site);
            HookPoint out = !siteOut.isEmpty()
                    ? HookPoints.point(siteOut)
                    : file.autoencoder().config().transcoder()
                            ? HookPoints.point(
                                    file.autoencoder().metadata().hookNameOut().orElse(site))
                            : in;
            attachment = Attachment.of(file.autoencoder(), weights, in, out);
        }
        attachment.notes().forEach(note -> console.err().println("hyaline: " + note));
        return attachment;
    }
}
