package dev.hyaline.explorer.view;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
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
 * The run behind a cell of a table, on one of its samples: as a command, and as a prompt and interventions that a live
 * page runs. Names of axes in braces, such as {@code {layer}}, stand for what the cell's step on that axis is called
 * here.
 *
 * @param command such as {@code hyaline edit --zero z --layers {layer} --heads {head}}
 * @param prompt the text of the run that is edited
 * @param source the text of the run that values come from; empty where there is none
 * @param edits the interventions as a JSON array; empty where a live page cannot make them
 * @param steps by axis, by step: what stands for it in command and edits
 */
public record CellEdit(String command, String prompt, String source, String edits, List<List<String>> steps) {
    /** The axis of a sweep that says which site is edited. */
    private static final String ACTIVATION = "activation";

    private static final String POSITIONS = "positions";

    /** The axes of a sweep, and the options and keys of an intervention that they stand for. */
    private static final Map<String, String> OPTIONS = Map.of(
            "layer",
            "layers",
            "head",
            "heads",
            Axis.POSITION,
            POSITIONS,
            "neuron",
            "components",
            "component",
            "components");

    /**
     * The run that a cell edits.
     *
     * @param options of the command that name the model, such as {@code -m gpt2 --no-bos}; empty for the built-in one
     * @param prompt its text
     * @param source the text of the run that values come from; empty where there is none
     */
    public record EditedRun(String options, String prompt, String source) {}

    public CellEdit {
        steps = steps.stream().map(List::copyOf).toList();
    }

    DataObject data(List<Integer> sizes) {
        if (!steps.stream().map(List::size).toList().equals(sizes)) {
            throw new BadShapeException(
                    "steps of the edit of a cell",
                    sizes.toString(),
                    steps.stream().map(List::size).toList().toString());
        }
        return DataObject.empty()
                .with("command", command)
                .with("prompt", prompt)
                .with("source", source)
                .with("edits", edits)
                .withObjects(
                        "steps",
                        steps.stream()
                                .map(of -> DataObject.empty().withTexts("names", of))
                                .toList());
    }

    /**
     * The edit of each cell of a sweep.
     *
     * @param kind what it does, as JSON and the command call it: {@code zero}, {@code patch}
     * @param site its short name; that of the cell where there is an axis of activations
     * @param position of each step along an axis of positions
     * @param everywhere positions that are edited where there is no such axis; none for all
     * @return empty where a cell is not one such edit
     */
    public static Optional<CellEdit> of(
            EditedRun run, String kind, String site, List<Axis> axes, IntUnaryOperator position, int[] everywhere) {
        Map<String, String> parts = new LinkedHashMap<>();
        String edited = site;
        for (Axis axis : axes) {
            String place = "{" + axis.name() + "}";
            if (axis.name().equals(ACTIVATION)) {
                edited = place;
            } else if (OPTIONS.containsKey(axis.name())) {
                parts.put(OPTIONS.get(axis.name()), place);
            } else {
                return Optional.empty();
            }
        }
        if (!parts.containsKey(POSITIONS) && everywhere.length > 0) {
            parts.put(
                    POSITIONS,
                    Arrays.stream(everywhere).mapToObj(String::valueOf).collect(Collectors.joining(",")));
        }
        return Optional.of(new CellEdit(
                command(run, kind, edited, parts),
                run.prompt,
                run.source,
                json(kind, edited, parts),
                axes.stream().map(axis -> steps(axis, position)).toList()));
    }

    private static List<String> steps(Axis axis, IntUnaryOperator position) {
        return axis.name().equals(Axis.POSITION)
                ? IntStream.range(0, axis.size())
                        .mapToObj(step -> String.valueOf(position.applyAsInt(step)))
                        .toList()
                : axis.labels();
    }

    private static String command(EditedRun run, String kind, String site, Map<String, String> parts) {
        StringBuilder command = new StringBuilder("hyaline edit");
        if (!run.options.isEmpty()) {
            command.append(' ').append(run.options);
        }
        command.append(" --prompt ").append(Printable.shellWord(run.prompt));
        if (!run.source.isEmpty()) {
            command.append(" --source ").append(Printable.shellWord(run.source));
        }
        command.append(" --").append(kind).append(' ').append(site);
        parts.forEach(
                (name, value) -> command.append(" --").append(name).append(' ').append(value));
        return command.toString();
    }

    private static String json(String kind, String site, Map<String, String> parts) {
        byte[] text = JsonText.compact(json -> {
            json.writeStartArray();
            json.writeStartObject();
            json.writeStringProperty("do", kind);
            json.writeStringProperty("site", site);
            parts.forEach(json::writeStringProperty);
            if (kind.equals("patch")) {
                json.writeStringProperty("source", "source");
            }
            json.writeEndObject();
            json.writeEndArray();
        });
        return new String(text, StandardCharsets.UTF_8);
    }
}
