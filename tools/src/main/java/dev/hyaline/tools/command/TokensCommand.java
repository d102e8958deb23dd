package dev.hyaline.tools.command;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptFile;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.TokenIds;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code hyaline tokens}: conversion of text to token ids and back. */
@Command(
        name = "tokens",
        header = "Shows the tokens of a text, or the text of tokens.",
        description = {
            "",
            "Positions are those of a dump: the token that begins a text comes first, unless --no-bos is given."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline tokens \"When Mary and John went to the store\"",
            "  hyaline tokens --decode \"958 591 332\"",
            "  cat letter.txt | hyaline tokens - --json"
        })
public final class TokensCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Parameters(
            paramLabel = "TEXT",
            arity = "0..*",
            description = "Texts to split into tokens; - reads one from standard input. Default: the prompt of dump.")
    private List<String> texts = new ArrayList<>();

    @Option(names = "--decode", paramLabel = "IDS", description = "Token ids to decode, separated by commas or blanks.")
    private List<String> ids = new ArrayList<>();

    @Option(names = "--no-bos", description = "Do not put the token that begins a text before each.")
    private boolean noBos;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private CommonOptions common;

    public TokensCommand(Console console) {
        this.console = console;
    }

    /** Tokens and their text. */
    private record Piece(String text, List<Integer> tokens) {}

    @Override
    public void check() {
        ids.forEach(TokenIds::parse);
    }

    @Override
    public void run() {
        if (texts.isEmpty() && ids.isEmpty()) {
            texts.add(PromptOptions.BUILT_IN_PROMPT);
        }
        texts.replaceAll(text -> text.equals("-") ? standardInput() : text);
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            if (vocabulary.tokenizer().isEmpty()) {
                throw new BadInputException(
                        "the model has no tokenizer files; put its tokenizer.json, or vocab.json and"
                                + " merges.txt, beside config.json");
            }
            List<Piece> pieces = new ArrayList<>();
            for (String text : texts) {
                pieces.add(new Piece(text, boxed(vocabulary.encode(text, !noBos))));
            }
            for (String list : ids) {
                List<Integer> tokens = TokenIds.parse(list);
                requireKnown(tokens, checkpoint.config().dVocab());
                pieces.add(new Piece(vocabulary.required().decode(unboxed(tokens)), tokens));
            }
            if (common.json) {
                json(checkpoint.name(), pieces, vocabulary);
            } else {
                text(pieces, vocabulary);
            }
        }
    }

    private static List<Integer> boxed(int[] tokens) {
        return Arrays.stream(tokens).boxed().toList();
    }

    private static int[] unboxed(List<Integer> tokens) {
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void requireKnown(List<Integer> tokens, int vocabulary) {
        for (int token : tokens) {
            if (token >= vocabulary) {
                throw new BadInputException(
                        "--decode holds token " + token + ", but the vocabulary runs from 0 to " + (vocabulary - 1));
            }
        }
    }

    private String standardInput() {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(PromptFile.readAll(console.in())))
                    .toString();
        } catch (CharacterCodingException e) {
            throw FileException.reading("standard input", e);
        }
    }

    private void text(List<Piece> pieces, ModelVocabulary vocabulary) {
        for (int i = 0; i < pieces.size(); i++) {
            Piece piece = pieces.get(i);
            if (i > 0) {
                console.out().println();
            }
            console.out()
                    .println(
                            DisplayText.plural(piece.tokens.size(), "token") + " of " + DisplayText.quoted(piece.text));
            Table table = new Table(">position", ">id", "text");
            for (int p = 0; p < piece.tokens.size(); p++) {
                int token = piece.tokens.get(p);
                table.row(String.valueOf(p), String.valueOf(token), vocabulary.quoted(token));
            }
            table.print(console);
        }
    }

    private void json(String model, List<Piece> pieces, ModelVocabulary vocabulary) {
        JsonOutput.print(console, json -> {
            json.writeStringProperty("model", model);
            json.writeArrayPropertyStart("texts");
            for (Piece piece : pieces) {
                json.writeStartObject();
                json.writeStringProperty("text", piece.text);
                JsonOutput.numbers(json, "tokens", unboxed(piece.tokens));
                json.writeArrayPropertyStart("pieces");
                piece.tokens.forEach(token -> json.writeString(vocabulary.text(token)));
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }
}
