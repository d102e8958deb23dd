package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.live.ExploredLatents;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a page of a model reads besides the model: an autoencoder and a dump. */
public final class ExploredFiles implements CheckedOptions {
    private static final String SAE = "--sae";
    private static final String DUMP = "--dump";

    /** Texts that the model writes itself, and their tokens, where no dump has any. */
    private static final int TEXTS = 64;

    private static final int CONTEXT = 64;

    /** Tokens of a dump that latents are shown on at most. */
    private static final int MAX_TOKENS = 16_384;

    /** Rows that are searched for such texts. */
    private static final long MAX_ROWS = 1_000_000;

    @Option(
            names = {"-s", SAE},
            paramLabel = "SAE",
            description = {
                "Also show the latents of an autoencoder that fire on the prompt, and ablate and clamp them: a folder,"
                        + " file or OWNER/NAME that names its site."
            })
    private @Nullable String sae;

    @Option(
            names = DUMP,
            paramLabel = "DIR",
            description = {
                "Also show the rows of this dump in shards, as dump writes it. With --sae, examples of latents come"
                        + " from its documents; without, from texts that the model writes."
            })
    private @Nullable String dump;

    @Override
    public void check() {
        if (sae != null) {
            SaeSource.requireThere(sae);
        }
        if (dump != null) {
            PathOption.parse(DUMP, dump);
        }
    }

    /** The dump's name as it was given. */
    public String dumpName() {
        return Objects.requireNonNull(dump);
    }

    /**
     * Opens the dump; null if none is named.
     *
     * @param steps by which the model's weights are processed
     * @throws BadInputException if it was made with other files than the model's, or of weights processed otherwise
     */
    public @Nullable ActivationStore openDump(Checkpoint checkpoint, List<ProcessingStep> steps) {
        if (dump == null) {
            return null;
        }
        ActivationStore store = open(dump, checkpoint);
        if (!store.processing().equals(steps)) {
            store.close();
            throw new BadInputException("--dump: " + dump + " is of weights processed by "
                    + ProcessingStep.names(store.processing())
                    + "; name the same steps with --process, found "
                    + ProcessingStep.names(steps));
        }
        return store;
    }

    /**
     * Opens a dump of a model's own.
     *
     * @param dump as it was given
     * @throws BadInputException if it was made with other files than the model's
     */
    public static ActivationStore open(String dump, Checkpoint checkpoint) {
        ActivationStore store = ActivationStore.open(PathOption.parse(DUMP, dump));
        for (Provenance.ModelFile file : store.modelFiles()) {
            boolean known = checkpoint.files().stream()
                    .anyMatch(own -> own.bytes() == file.bytes() && own.sha256().equals(file.sha256()));
            if (!known) {
                store.close();
                throw new BadInputException("--dump: " + dump + " was made with another model: its "
                        + Printable.plain(file.name()) + " has SHA-256 " + Printable.plain(file.sha256())
                        + ", as no file of " + checkpoint.name() + " has; name the dump's model with --model, or leave"
                        + " out --dump");
            }
        }
        return store;
    }

    /**
     * Reads the autoencoder; null if none is named. Its texts are run when the study is first asked for.
     *
     * @param store of {@link #openDump}
     */
    public @Nullable ExploredLatents latents(
            Gpt2 model, ModelVocabulary vocabulary, @Nullable ActivationStore store, Console console) {
        if (sae == null) {
            return null;
        }
        if (store == null && vocabulary.beginOfText().isEmpty()) {
            throw new BadInputException("--sae shows where latents fire in texts, and the model names no token that"
                    + " begins one, so that it cannot write any; name a dump of texts with --dump");
        }
        SaeFile file = SaeSource.read(console, sae);
        Attachment attachment = SaeSource.attach(file, "", "", model.weights(), console);
        Set<Integer> excluded = new HashSet<>(vocabulary.ends());
        vocabulary.beginOfText().ifPresent(excluded::add);
        Supplier<LatentStudy> study = () -> LatentStudy.of(
                model,
                attachment,
                store == null ? ownTexts(model, vocabulary, console) : prompts(model, store),
                excluded);
        String texts = dump == null ? "--texts " + TEXTS : DUMP + " " + Printable.shellWord(dump);
        return new ExploredLatents(study, SAE + " " + Printable.shellWord(sae), texts);
    }

    private static Prompts ownTexts(Gpt2 model, ModelVocabulary vocabulary, Console console) {
        OwnTexts texts = new OwnTexts(TEXTS, Math.min(CONTEXT, model.config().nCtx()), 1);
        List<Document> documents = texts.write(model, vocabulary, console);
        return Prompts.of(
                model.config(),
                documents.stream().map(Document::tokens).toList(),
                documents.stream().map(Document::name).toList());
    }

    /** The first documents of a dump, as far as their tokens are there from their beginning on. */
    public static Prompts prompts(Gpt2 model, ActivationStore store) {
        List<int[]> texts = new ArrayList<>();
        List<String> names = new ArrayList<>();
        int total = 0;
        long row = 0;
        while (row < Math.min(store.rows(), MAX_ROWS) && total < MAX_TOKENS) {
            long document = store.document(row);
            int length = 0;
            while (row + length < store.rows()
                    && store.document(row + length) == document
                    && store.position(row + length) == length
                    && length < Math.min(model.config().nCtx(), MAX_TOKENS - total)) {
                length++;
            }
            if (length > 1) {
                int[] tokens = new int[length];
                for (int i = 0; i < length; i++) {
                    tokens[i] = store.token(row + i);
                }
                texts.add(tokens);
                names.add("document " + document);
                total += length;
            }
            row += Math.max(1, length);
        }
        if (texts.isEmpty()) {
            throw new BadInputException("none of the dump's first " + Math.min(store.rows(), MAX_ROWS) + " rows begin a"
                    + " document and go on with it, so that no text can be run again to see where latents fire");
        }
        return Prompts.of(model.config(), texts, names);
    }
}
