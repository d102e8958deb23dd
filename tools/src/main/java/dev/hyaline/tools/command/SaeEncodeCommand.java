package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.feature.LatentDump;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline sae encode}: the latents of texts. */
@Command(
        name = "encode",
        header = "Writes the latents of texts to a file.",
        description = {
            "",
            "The file is safetensors: values and indices of all latents that are not zero, offsets[t] to offsets[t + 1]"
                    + " those of token t, and of each token its id, text and position."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae encode --sae hyaline-sae --prompt \"Mary gave a drink to John\" --out latents.safetensors"
        })
public final class SaeEncodeCommand implements Runnable, CheckedOptions {
    private static final int TEXTS = 64;

    private final Console console;

    @Mixin
    private SaeSource source;

    @Mixin
    private TextOptions texts;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = "File to write. Default: ${DEFAULT-VALUE}")
    private String out = "latents.safetensors";

    /** A form of the file. */
    enum Form {
        OFFSETS,
        DELPHI;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Those forms. */
    static final class Forms extends Choice<Form> {
        Forms() {
            super(List.of(Form.values()));
        }
    }

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            completionCandidates = Forms.class,
            converter = Forms.class,
            description = {
                "${COMPLETION-CANDIDATES}. delphi is the cache of that library, of texts of one length (--pack):"
                        + " locations [n,3] (text, position, latent), activations [n] and tokens. Default:"
                        + " ${DEFAULT-VALUE}"
            })
    private Form format = Form.OFFSETS;

    @Mixin
    private ModelRunOptions run;

    SaeEncodeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        PathOption.newFile("--out", out);
    }

    @Override
    public void run() {
        Path file = PathOption.parse("--out", out);
        SaeFile sae = source.read(console);
        try (Checkpoint checkpoint = run.open(console);
                Gpt2 model = run.start(checkpoint, console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Attachment attachment = source.attach(sae, model, console);
            Prompts prompts = texts.prompts(model, vocabulary, TEXTS, console);
            Map<String, String> made = run.record("--out", checkpoint).metadata();
            LatentDump.Summary written = format == Form.DELPHI
                    ? LatentDump.writeCache(model, attachment, prompts, file, made)
                    : LatentDump.write(model, attachment, prompts, file, made);
            if (run.json()) {
                JsonOutput.print(console, json -> {
                    json.writeStringProperty("out", out);
                    json.writeNumberProperty("tokens", written.tokens());
                    json.writeNumberProperty("latents", written.latents());
                });
            } else {
                console.out()
                        .println("Wrote " + out + ": " + written.latents() + " latents of " + written.tokens()
                                + " tokens");
            }
        }
    }
}
