package dev.hyaline.tools.option;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.CorpusFiles;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.LineParser;
import dev.hyaline.weights.Tokenizer;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The prompts that a command runs. */
public final class PromptOptions implements CheckedOptions {
    public static final String BUILT_IN_PROMPT = "When Mary and John went to the store, John gave a drink to";

    /** A sentence for the help of commands that run the built-in prompt. */
    public static final String WITHOUT_PROMPTS = " Without prompts, the prompt is \"" + BUILT_IN_PROMPT + "\".";

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "A prompt; give it again for more.")
    List<String> texts = new ArrayList<>();

    @Option(
            names = "--prompts",
            paramLabel = "PATH",
            description = {
                "A file of prompts, - for standard input: one a line or, if its name ends in jsonl or the input begins"
                        + " with a brace, JSON Lines of strings or of objects with \"text\" or \"tokens\". Also .gz and"
                        + " .zst of these, Parquet with such a column, a folder of such files, or a quoted pattern:"
                        + " 'data/*.parquet'."
            })
    List<String> files = new ArrayList<>();

    @Option(
            names = "--tokens",
            paramLabel = "IDS",
            description = "A prompt as token ids, used as they are: --tokens \"1535 958 591\". Give it again for more.")
    List<String> tokens = new ArrayList<>();

    @Option(
            names = "--no-bos",
            description = {
                "Do not put the token that begins a text, GPT-2's end-of-text token for one, before each text. (It is"
                        + " put there by default, as TransformerLens does.)"
            })
    public boolean noBos;

    /** The files that {@link #files} stand for. */
    private @Nullable List<String> expanded;

    private PromptSource source = new PromptSource(List.of());
    private boolean readLater;

    @Override
    public void check() {
        tokens.forEach(TokenIds::parse);
        names();
    }

    private List<String> names() {
        if (expanded == null) {
            expanded = files.stream().flatMap(PromptOptions::expand).toList();
        }
        return expanded;
    }

    private static Stream<String> expand(String file) {
        if (file.equals("-")) {
            return Stream.of(file);
        }
        if (file.isEmpty()) {
            PathOption.parse("--prompts", file);
        }
        try {
            List<String> names = CorpusFiles.expand(file);
            names.stream()
                    .filter(name -> !CorpusFiles.isRemote(name))
                    .forEach(name -> PathOption.readable("--prompts", name));
            return names.stream();
        } catch (BadInputException e) {
            throw new BadInputException("--prompts: " + e.getMessage());
        }
    }

    /** Reads all files of prompts once, line by line, to find mistakes early; a corpus is never held in memory. */
    @Override
    public void readInputs(InputStream standardInput) {
        source = source(standardInput);
        if (readLater) {
            return;
        }
        try (Stream<PromptInput> prompts = source.prompts()) {
            prompts.forEach(prompt -> {});
        }
    }

    /**
     * Checks that all prompts are in files that other processes can read, too, and leaves it to others to read them.
     */
    public void requireFilesOnly() {
        if (files.isEmpty() || !texts.isEmpty() || !tokens.isEmpty()) {
            throw new BadInputException("--plan takes prompts from files alone, which every part can read: give"
                    + " --prompts FILE, and neither --prompt nor --tokens");
        }
        for (String file : names()) {
            if (file.equals("-") || !canBeReadAgain(file)) {
                throw new BadInputException("--plan needs files that every part can read again, but "
                        + (file.equals("-") ? "standard input" : file) + " is none; save it to a file");
            }
        }
        readLater = true;
    }

    private static boolean canBeReadAgain(String file) {
        return CorpusFiles.isRemote(file) || Files.isRegularFile(PathOption.readable("--prompts", file));
    }

    /** The files of prompts, as a corpus. */
    public CorpusFiles corpus(Gpt2Config config, ModelVocabulary vocabulary) {
        return new CorpusFiles(names(), parser(config, vocabulary));
    }

    /** Reads the lines of files of prompts. */
    public LineParser parser(Gpt2Config config, ModelVocabulary vocabulary) {
        return (file, line, content) -> PromptFile.prompt(file, line, content)
                .map(input -> new Document(input.source(), encode(input, config, vocabulary)));
    }

    /** The options that were given, as they are written. */
    public List<String> given() {
        List<String> given = new ArrayList<>();
        if (!texts.isEmpty()) {
            given.add("--prompt");
        }
        if (!files.isEmpty()) {
            given.add("--prompts");
        }
        if (!tokens.isEmpty()) {
            given.add("--tokens");
        }
        if (noBos) {
            given.add("--no-bos");
        }
        return given;
    }

    /** Returns whether any prompt is given; otherwise the built-in one is used. */
    public boolean isGiven() {
        return !texts.isEmpty() || !files.isEmpty() || !tokens.isEmpty();
    }

    /** Returns whether the token that begins a text is put before each prompt. */
    public boolean begins() {
        return !noBos;
    }

    /** Reads all prompts: texts first, then files, then token ids. */
    public List<PromptInput> read() {
        try (Stream<PromptInput> inputs = source.prompts()) {
            return inputs.toList();
        }
    }

    /** The prompts of {@link #read}, to be read one at a time and repeatedly. */
    public PromptSource source() {
        return source;
    }

    private PromptSource source(InputStream standardInput) {
        List<Supplier<Stream<PromptInput>>> parts = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            parts.add(one(new PromptInput.OfText(numbered("--prompt", i, texts.size()), texts.get(i))));
        }
        for (String file : names()) {
            parts.add(PromptFile.of(file, standardInput)::prompts);
        }
        for (int i = 0; i < tokens.size(); i++) {
            parts.add(one(
                    new PromptInput.OfTokens(numbered("--tokens", i, tokens.size()), TokenIds.parse(tokens.get(i)))));
        }
        if (parts.isEmpty()) {
            parts.add(one(new PromptInput.OfText("the built-in prompt", BUILT_IN_PROMPT)));
        }
        return new PromptSource(parts);
    }

    private static Supplier<Stream<PromptInput>> one(PromptInput input) {
        return () -> Stream.of(input);
    }

    private static String numbered(String option, int index, int count) {
        return count == 1 ? option : option + " " + index;
    }

    /** Encodes prompts and checks them against a model. */
    public Prompts encode(List<PromptInput> inputs, Gpt2Config config, ModelVocabulary vocabulary) {
        return Prompts.of(
                config,
                inputs.stream().map(input -> encode(input, config, vocabulary)).toList(),
                inputs.stream().map(PromptInput::source).toList());
    }

    /** As {@link #encode(List, Gpt2Config, ModelVocabulary)}, cut off where the model has no more positions. */
    public Prompts encodeTruncated(List<PromptInput> inputs, Gpt2Config config, ModelVocabulary vocabulary) {
        return Prompts.of(
                config,
                inputs.stream()
                        .map(input -> encode(input, config, vocabulary))
                        .map(tokens -> Arrays.copyOf(tokens, Math.min(tokens.length, config.nCtx())))
                        .toList(),
                inputs.stream().map(PromptInput::source).toList());
    }

    /** Encodes a prompt. */
    public int[] encode(PromptInput input, Gpt2Config config, ModelVocabulary vocabulary) {
        return switch (input) {
            case PromptInput.OfTokens ids ->
                ids.tokens().stream().mapToInt(Integer::intValue).toArray();
            case PromptInput.OfText text -> encode(text, config, vocabulary);
        };
    }

    private int[] encode(PromptInput.OfText prompt, Gpt2Config config, ModelVocabulary vocabulary) {
        try {
            int[] tokens = vocabulary.encode(prompt.text(), !noBos);
            if (!noBos && tokens[0] >= config.dVocab()) {
                throw new BadInputException("the token put before a text, " + tokens[0]
                        + ", is outside the model's vocabulary of " + config.dVocab() + "; leave it out with --no-bos");
            }
            return tokens;
        } catch (BadInputException e) {
            throw new BadInputException(prompt.source() + ": " + e.getMessage());
        }
    }

    /** The token put before each text. */
    public Optional<Integer> prependedToken(ModelVocabulary vocabulary) {
        return noBos ? Optional.empty() : vocabulary.tokenizer().map(Tokenizer::beginOfText);
    }

    /** The options that give the same prompts again. */
    public List<String> canonical() {
        List<String> options = new ArrayList<>();
        texts.forEach(text -> options.addAll(List.of("--prompt", text)));
        files.forEach(file -> options.addAll(List.of("--prompts", file)));
        tokens.forEach(ids -> options.addAll(List.of("--tokens", ids)));
        if (options.isEmpty()) {
            options.addAll(List.of("--prompt", BUILT_IN_PROMPT));
        }
        if (noBos) {
            options.add("--no-bos");
        }
        return options;
    }
}
