package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.tools.terminal.Console;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** An autoencoder where a command can do without one. */
public final class OptionalSae implements CheckedOptions {
    @Option(
            names = {"-s", "--sae"},
            paramLabel = "SAE",
            description =
                    "An autoencoder whose latents are the features: a folder, file or OWNER/NAME that names its site.")
    private @Nullable String sae;

    @Override
    public void check() {
        if (sae != null) {
            SaeSource.requireThere(sae);
        }
    }

    public boolean isGiven() {
        return sae != null;
    }

    /** Reads the autoencoder and attaches it to a model's weights; null if none is given. */
    public @Nullable Attachment attach(Gpt2Weights weights, Console console) {
        return sae == null ? null : SaeSource.attach(SaeSource.read(console, sae), "", "", weights, console);
    }
}
