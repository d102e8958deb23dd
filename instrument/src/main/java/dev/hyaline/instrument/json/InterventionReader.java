package dev.hyaline.instrument.json;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.dump.DumpReader;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.internal.RecordedTensors;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the JSON that {@link InterventionWriter} writes. What is unknown, missing or of the wrong kind is named. */
final class InterventionReader {
    private final Path folder;
    private final Map<String, ActivationSource> sources;
    /** One source for all that name the same dump, so that it is read once. */
    private final Map<Path, ActivationSource> dumps = new HashMap<>();

    /**
     * @param folder what file names are relative to
     * @param sources values of runs, by the names the JSON has for them
     */
    InterventionReader(Path folder, Map<String, ActivationSource> sources) {
        this.folder = folder;
        this.sources = sources;
    }

    Interventions read(byte[] json) {
        JsonFields document = new JsonFields("the document", Json.read(InputErrors.INSTANCE, "interventions", json));
        String format = document.text("format");
        if (!format.equals(InterventionWriter.FORMAT)) {
            throw new BadInputException(
                    "interventions are in format \"" + InterventionWriter.FORMAT + "\", found \"" + format + "\"");
        }
        List<Intervention> list = new ArrayList<>();
        for (Json entry :
                document.required("interventions", "an array", Json::isArray).elements()) {
            list.add(intervention(new JsonFields("intervention " + list.size(), entry)));
        }
        boolean inOrder = document.flag("in_order");
        document.requireNoMore();
        Interventions interventions = Interventions.of(list);
        return inOrder ? interventions.inOrder() : interventions;
    }

    private Intervention intervention(JsonFields json) {
        String kind = json.text("do");
        Target target = target(json);
        Intervention intervention = switch (kind) {
            case "zero" -> new Intervention.Zero(target);
            case "mean" -> new Intervention.Mean(target, means(json));
            case "resample" -> new Intervention.Resample(target, recorded(json, "reference"), json.seed());
            case "patch" -> new Intervention.Patch(target, recorded(json, "source"), sequence(json));
            case "set" -> new Intervention.Write(target, vector(json, "value"));
            case "add" -> new Intervention.Add(target, vector(json, "vector"), json.number("coefficient", 1));
            case "scale" -> new Intervention.Scale(target, json.number("factor"));
            case "project_out" -> new Intervention.ProjectOut(target, vectors(json, "directions"));
            case "swap_heads" -> new Intervention.SwapHeads(target);
            case "noise" -> new Intervention.Noise(target, json.number("deviation"), json.seed());
            default -> throw json.bad("do", "one of " + InterventionWriter.KINDS, '"' + kind + '"');
        };
        json.requireNoMore();
        return intervention;
    }

    private Target target(JsonFields json) {
        Target target = json.checked("site", () -> Target.named(json.text("site")));
        Optional<IndexSelection> layers = json.selection("layers");
        if (layers.isPresent() && !target.layers().isAll()) {
            throw json.bad(
                    "layers",
                    "absent where the site's name has a layer",
                    layers.get().toString());
        }
        Target chosen = target.layers(layers.orElse(target.layers()))
                .heads(json.selection("heads").orElse(IndexSelection.all()))
                .positions(json.selection("positions").orElse(IndexSelection.all()))
                .sequences(json.selection("sequences").orElse(IndexSelection.all()));
        Optional<IndexSelection> components = json.selection("components");
        if (components.isPresent()) {
            chosen = chosen.components(components.get());
        }
        if (json.has("subspace")) {
            if (components.isPresent()) {
                throw json.bad("subspace", "absent where components are chosen", "both");
            }
            chosen = chosen.subspace(vectors(json, "subspace"));
        }
        return chosen;
    }

    private Means means(JsonFields json) {
        ActivationSource reference = recorded(json, "reference");
        return json.flag("by_position") ? Means.byPosition(reference) : Means.overall(reference);
    }

    private static @Nullable Integer sequence(JsonFields json) {
        return json.has("sequence") ? (int) json.whole("sequence", Integer.MAX_VALUE) : null;
    }

    private ActivationSource recorded(JsonFields json, String key) {
        Json node = json.required(key, "a name or an object", value -> value.isString() || value.isObject());
        if (node.isString()) {
            ActivationSource named = sources.get(node.string());
            if (named == null) {
                throw json.bad(
                        key,
                        sources.isEmpty()
                                ? "a dump ({\"dump\": \"folder\"}) or values, as no run has a name here ("
                                        + Remedy.NAME_A_RUN + ")"
                                : "one of " + sources.keySet(),
                        '"' + node.string() + '"');
            }
            return named;
        }
        JsonFields source = new JsonFields(json.where() + "." + key, node);
        ActivationSource recorded;
        if (source.has("dump")) {
            recorded = dumps.computeIfAbsent(file(source, "dump"), DumpReader::open);
        } else {
            recorded = inline(source);
        }
        source.requireNoMore();
        return recorded;
    }

    private RecordedTensors inline(JsonFields source) {
        List<Map<HookPoint, ActivationSource.Block>> blocks = new ArrayList<>();
        List<Integer> lengths = new ArrayList<>();
        for (Json entry :
                source.required("sequences", "an array", Json::isArray).elements()) {
            JsonFields sequence = new JsonFields(source.where() + ".sequences[" + blocks.size() + "]", entry);
            lengths.add((int) sequence.whole("length", Integer.MAX_VALUE));
            int[] positions = integers(sequence, "positions", lengths.getLast());
            JsonFields values = new JsonFields(
                    sequence.where() + ".values", sequence.required("values", "an object", Json::isObject));
            Map<HookPoint, ActivationSource.Block> ofSequence = new HashMap<>();
            for (String name : values.names()) {
                HookPoint point = values.checked(name, () -> HookPoints.point(name));
                float[] numbers = values.floats(name);
                if (positions.length == 0 || numbers.length % positions.length != 0) {
                    throw values.bad(name, "as many values at each position", numbers.length + " values");
                }
                ofSequence.put(point, new ActivationSource.Block(positions, numbers));
            }
            sequence.requireNoMore();
            blocks.add(ofSequence);
        }
        int layers = blocks.stream()
                .flatMap(ofSequence -> ofSequence.keySet().stream())
                .mapToInt(point -> point.layer() + 1)
                .max()
                .orElse(0);
        return new RecordedTensors(
                lengths.stream().mapToInt(Integer::intValue).toArray(),
                layers,
                (point, sequence) -> Optional.ofNullable(blocks.get(sequence).get(point)));
    }

    private static int[] integers(JsonFields json, String key, int bound) {
        List<Integer> numbers = new ArrayList<>();
        for (Json number : json.required(key, "an array", Json::isArray).elements()) {
            if (!number.isWhole(numbers.isEmpty() ? 0 : numbers.getLast() + 1, bound - 1)) {
                throw json.bad(key, "ascending positions below the length", number.toString());
            }
            numbers.add((int) number.whole(0));
        }
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    private Direction vector(JsonFields json, String key) {
        return vector(json, key, json.required(key, "a number, an array or a file", node -> true));
    }

    private List<Direction> vectors(JsonFields json, String key) {
        List<Direction> vectors = new ArrayList<>();
        for (Json node :
                json.required(key, "an array of vectors", Json::isArray).elements()) {
            vectors.add(vector(json, key, node));
        }
        return vectors;
    }

    private Direction vector(JsonFields json, String key, Json node) {
        if (!node.isObject()) {
            return json.checked(key, () -> Direction.of(json.floats(key, node)));
        }
        JsonFields source = new JsonFields(json.where() + "." + key, node);
        Path file = file(source, "file");
        String tensor = source.text("tensor");
        long row = source.has("row") ? source.whole("row", Long.MAX_VALUE) : 0;
        source.requireNoMore();
        return Direction.read(file, tensor, row);
    }

    private Path file(JsonFields json, String key) {
        String name = json.text(key);
        try {
            return folder.resolve(name);
        } catch (InvalidPathException e) {
            throw json.bad(key, "a file name", '"' + name + '"');
        }
    }
}
