package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.files.JsonText;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.weights.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The runs behind the cells of a sweep, on its first pair, as {@code hyaline edit} and a live page make them.
 *
 * @param model the option that names it, such as {@code -m gpt2}; empty for the built-in one
 * @param begins whether the token that begins a text is put before each prompt
 */
public record CellEdits(PromptPairs pairs, ModelVocabulary vocabulary, String model, boolean begins) {
    /** The axes of a sweep, and the options and keys of an intervention that they stand for. */
    private static final Map<String, String> OPTIONS = Map.of(
            "layer",
            "layers",
            "head",
            "heads",
            Axis.POSITION,
            "positions",
            "neuron",
            "components",
            "component",
            "components");

    /**
     * The edit of each cell of a table.
     *
     * @param kind what it does, as JSON and the command call it: {@code zero}, {@code patch}
     * @param base the run that is edited
     * @param site its short name; that of the cell where there is an axis of activations
     * @param position of each step along an axis of positions, in the first pair
     * @param everywhere positions of the first pair that are edited where there is no such axis; none for all
     * @return empty where the cells are not such edits, or the prompts are not the tokens of their text
     */
    public Optional<CellEdit> of(
            String kind, Side base, String site, List<Axis> axes, IntUnaryOperator position, int[] everywhere) {
        PromptPair pair = pairs.get(0);
        boolean patches = kind.equals("patch");
        Optional<String> prompt = text(base == Side.CLEAN ? pair.clean() : pair.corrupted());
        Optional<String> source =
                patches ? text(base == Side.CLEAN ? pair.corrupted() : pair.clean()) : Optional.of("");
        boolean known =
                axes.stream().allMatch(axis -> axis.name().equals("activation") || OPTIONS.containsKey(axis.name()));
        if (!known || prompt.isEmpty() || source.isEmpty()) {
            return Optional.empty();
        }
        Map<String, String> parts = new LinkedHashMap<>();
        String edited = site;
        for (Axis axis : axes) {
            String place = "{" + axis.name() + "}";
            if (axis.name().equals("activation")) {
                edited = place;
            } else {
                parts.put(OPTIONS.get(axis.name()), place);
            }
        }
        if (!parts.containsKey("positions") && everywhere.length > 0) {
            parts.put(
                    "positions",
                    Arrays.stream(everywhere).mapToObj(String::valueOf).collect(Collectors.joining(",")));
        }
        return Optional.of(new CellEdit(
                command(kind, edited, prompt.get(), source.get(), parts),
                prompt.get(),
                source.get(),
                json(kind, edited, patches, parts),
                axes.stream().map(axis -> steps(axis, position)).toList()));
    }

    private static List<String> steps(Axis axis, IntUnaryOperator position) {
        return axis.name().equals(Axis.POSITION)
                ? IntStream.range(0, axis.size())
                        .mapToObj(step -> String.valueOf(position.applyAsInt(step)))
                        .toList()
                : axis.labels();
    }

    private String command(String kind, String site, String prompt, String source, Map<String, String> parts) {
        StringBuilder command = new StringBuilder("hyaline edit");
        if (!model.isEmpty()) {
            command.append(' ').append(model);
        }
        command.append(begins ? "" : " --no-bos");
        command.append(" --prompt ").append(PageOption.quoted(prompt));
        if (!source.isEmpty()) {
            command.append(" --source ").append(PageOption.quoted(source));
        }
        command.append(" --").append(kind).append(' ').append(site);
        parts.forEach(
                (name, value) -> command.append(" --").append(name).append(' ').append(value));
        return command.toString();
    }

    private static String json(String kind, String site, boolean patches, Map<String, String> parts) {
        byte[] text = JsonText.compact(json -> {
            json.writeStartArray();
            json.writeStartObject();
            json.writeStringProperty("do", kind);
            json.writeStringProperty("site", site);
            parts.forEach(json::writeStringProperty);
            if (patches) {
                json.writeStringProperty("source", "source");
            }
            json.writeEndObject();
            json.writeEndArray();
        });
        return new String(text, StandardCharsets.UTF_8);
    }

    /** The text that these tokens are of, as a command and a page read it. */
    private Optional<String> text(int[] tokens) {
        Optional<Tokenizer> tokenizer = vocabulary.tokenizer();
        if (tokenizer.isEmpty()) {
            return Optional.empty();
        }
        int marks = begins ? vocabulary.encode("", true).length : 0;
        if (marks > tokens.length) {
            return Optional.empty();
        }
        String text = tokenizer
                .get()
                .decode(Arrays.copyOfRange(tokens, Math.min(1, marks), tokens.length - Math.max(0, marks - 1)));
        return Arrays.equals(vocabulary.encode(text, begins), tokens) ? Optional.of(text) : Optional.empty();
    }
}
