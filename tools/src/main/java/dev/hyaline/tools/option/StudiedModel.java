package dev.hyaline.tools.option;

import dev.hyaline.analysis.laboratory.Laboratory;
import dev.hyaline.analysis.laboratory.StudyModel;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.explorer.report.InvestigationReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The model that an investigation names, as the laboratory takes it. */
public final class StudiedModel implements AutoCloseable {
    private final Gpt2 model;
    private final StudyModel studied;

    private StudiedModel(Gpt2 model, StudyModel studied) {
        this.model = model;
        this.studied = studied;
    }

    /** The shape of a model; its parameters are not read. */
    public static Gpt2Config config(String name, Console console) {
        try (Checkpoint checkpoint = ModelOptions.of(name).open(console)) {
            return checkpoint.config();
        }
    }

    /** What writes a model's prompts in tokens, without its weights; null of one without a tokenizer. */
    public static @Nullable PromptEncoder encoder(String name, Console console) {
        try (Checkpoint checkpoint = ModelOptions.of(name).open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            return vocabulary.tokenizer().isEmpty() ? null : PairOptions.encoder(vocabulary, true);
        }
    }

    /** Opens a model, named as {@code --model} names one, and starts it on the chosen hardware. */
    public static StudiedModel open(String name, EngineOptions engine, Console console) {
        try (Checkpoint checkpoint = ModelOptions.of(name).open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            @Nullable Tokenizer tokenizer = vocabulary.tokenizer().orElse(null);
            @Nullable PromptEncoder encoder = tokenizer == null ? null : PairOptions.encoder(vocabulary, true);
            Gpt2 model = engine.open(checkpoint.weights(), console);
            return new StudiedModel(
                    model, new StudyModel(name, model, encoder, tokenizer == null ? "" : sha256(tokenizer)));
        }
    }

    /** The SHA-256 of every token's bytes and of the token that begins a text. */
    private static String sha256(Tokenizer tokenizer) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(number(tokenizer.beginOfText()));
            for (int token = 0; token < tokenizer.vocabularySize(); token++) {
                byte[] bytes = tokenizer.bytes(token).orElse(new byte[0]);
                digest.update(number(bytes.length));
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    /** A laboratory for the model, whose reports have a page. */
    public Laboratory laboratory(String program) {
        return Laboratory.of(studied)
                .program(program)
                .page(files -> InvestigationReport.of(files).html().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        model.close();
    }
}
