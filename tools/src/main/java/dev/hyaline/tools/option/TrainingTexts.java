package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.tools.terminal.Console;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The tokens that a model is trained on: texts and token files end to end, or what another model writes. */
public final class TrainingTexts implements CheckedOptions {
    private static final int MAX_BYTES = 1 << 30;
    private static final int TEXTS = 1024;
    private static final int TEXT_LENGTH = 64;

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = {
                "A file in UTF-8 that is one text, however many lines it has; - for standard input. Give it again for"
                        + " more."
            })
    private List<String> files = new ArrayList<>();

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = {
                "A file of token ids of two bytes each, the lower first, as nanoGPT's train.bin. Give it again for"
                        + " more."
            })
    private List<String> tokenFiles = new ArrayList<>();

    @Mixin
    private PromptOptions prompts;

    @Option(
            names = "--texts",
            paramLabel = "N",
            description = "Without any of these: texts that the model of --model writes. Default: " + TEXTS)
    private @Nullable Integer count;

    @Option(
            names = "--text-seed",
            paramLabel = "N",
            description = "What the model's own texts depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    private final List<PromptInput.OfText> texts = new ArrayList<>();

    @Override
    public void check() {
        if (isGiven() && count != null) {
            throw new BadInputException("--texts is for texts that the model writes, but texts are given");
        }
        if (count != null && (count < 1 || count > 1_000_000)) {
            throw new BadInputException("--texts must be from 1 to 1000000, found " + count);
        }
        if (Stream.concat(files.stream(), prompts.files.stream())
                        .filter("-"::equals)
                        .count()
                > 1) {
            throw new BadInputException("standard input can be read once, but more than one option names it");
        }
        files.stream().filter(file -> !file.equals("-")).forEach(file -> PathOption.readable("--text", file));
        tokenFiles.forEach(file -> PathOption.readable("--token-file", file));
    }

    @Override
    public void readInputs(InputStream standardInput) {
        for (String file : files) {
            byte[] bytes = file.equals("-")
                    ? PromptFile.readAll(standardInput)
                    : WholeFile.read(PathOption.parse("--text", file), MAX_BYTES);
            String name = file.equals("-") ? "standard input" : file;
            if (bytes.length == 0) {
                throw new BadInputException(name + " is empty");
            }
            texts.add(new PromptInput.OfText(name, text(name, bytes)));
        }
    }

    private static String text(String file, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            return WholeFile.withoutMark(
                    StandardCharsets.UTF_8.newDecoder().decode(buffer).toString());
        } catch (CharacterCodingException e) {
            throw new BadInputException(file + ": expected text in UTF-8, found other bytes at " + buffer.position());
        }
    }

    /** Returns whether any text is given; otherwise a model writes some. */
    public boolean isGiven() {
        return prompts.isGiven() || !files.isEmpty() || !tokenFiles.isEmpty();
    }

    /**
     * The tokens of all that is given: prompts, then texts, then token files.
     *
     * @throws BadInputException if a text holds a token that the model does not know, or the model has no tokenizer
     */
    public int[] tokens(Gpt2Config config, ModelVocabulary vocabulary) {
        List<int[]> parts = new ArrayList<>();
        if (prompts.isGiven()) {
            try (Stream<PromptInput> inputs = prompts.source().prompts()) {
                inputs.forEach(input -> parts.add(known(config, input, vocabulary)));
            }
        }
        texts.forEach(text -> parts.add(known(config, text, vocabulary)));
        for (String file : tokenFiles) {
            parts.add(requireKnown(config, ids(PathOption.parse("--token-file", file)), file));
        }
        return joined(parts);
    }

    private int[] known(Gpt2Config config, PromptInput input, ModelVocabulary vocabulary) {
        return requireKnown(config, prompts.encode(input, config, vocabulary), input.source());
    }

    private static int[] requireKnown(Gpt2Config config, int[] tokens, String source) {
        Prompts.requireKnown(config, tokens, source);
        return tokens;
    }

    private static int[] ids(Path file) {
        byte[] bytes = WholeFile.read(file, MAX_BYTES);
        if (bytes.length == 0 || bytes.length % 2 != 0) {
            throw new BadInputException(
                    file + ": expected token ids of two bytes each, found " + bytes.length + " bytes");
        }
        int[] ids = new int[bytes.length / 2];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (bytes[2 * i] & 0xFF) | (bytes[2 * i + 1] & 0xFF) << 8;
        }
        return ids;
    }

    /** The tokens of texts that a model writes. */
    public int[] written(Gpt2 model, ModelVocabulary vocabulary, Console console) {
        int length = Math.min(TEXT_LENGTH, model.config().nCtx());
        return joined(new OwnTexts(count == null ? TEXTS : count, length, seed)
                .write(model, vocabulary, console).stream()
                        .map(Document::tokens)
                        .toList());
    }

    private static int[] joined(List<int[]> parts) {
        long all = parts.stream().mapToLong(part -> part.length).sum();
        if (all > Integer.MAX_VALUE - 8) {
            throw new BadInputException("the texts have " + all + " tokens, of which one run can hold 2^31 at most");
        }
        int[] tokens = new int[(int) all];
        int to = 0;
        for (int[] part : parts) {
            System.arraycopy(part, 0, tokens, to, part.length);
            to += part.length;
        }
        return tokens;
    }
}
