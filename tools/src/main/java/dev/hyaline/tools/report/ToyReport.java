package dev.hyaline.tools.report;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.superposition.Arrangement;
import dev.hyaline.analysis.superposition.DimensionalityPicture;
import dev.hyaline.analysis.superposition.FeatureGeometry;
import dev.hyaline.analysis.superposition.ToyPlanePicture;
import dev.hyaline.analysis.superposition.ToySetting;
import dev.hyaline.analysis.superposition.ToyStripPicture;
import dev.hyaline.analysis.superposition.TrainedToy;
import dev.hyaline.analysis.superposition.TwoFeatures;
import dev.hyaline.files.JsonText;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;

/**
 * Trained toy models in groups that are shown together.
 *
 * @param groups by name
 * @param instances models that were trained of each setting, of which the best is here
 */
public record ToyReport(Map<String, List<TrainedToy>> groups, int instances) {
    /** The names of the files, as those of tables. */
    public static String[] names() {
        return new String[] {
            "toy",
            "toy-weights",
            "toy-plane",
            "toy-dimensionality",
            "toy-models-weights",
            "toy-models-plane",
            "toy-models-dimensionality"
        };
    }

    public void show(Console console) {
        console.lines((instances == 1 ? "One toy model" : "The best of " + instances + " toy models")
                + " of each kind; p is the probability that a feature is present.");
        groups.forEach((name, toys) -> {
            ToySetting first = toys.getFirst().setting();
            console.out().println();
            console.out()
                    .println(console.bold(String.format(
                            Locale.ROOT,
                            "%s: %s in %s%s%s",
                            name,
                            DisplayText.plural(first.features(), "feature"),
                            DisplayText.plural(first.hidden(), "dimension"),
                            first.decay() == 1
                                    ? ""
                                    : ", each " + first.decay() + " times as important as the one before",
                            first.linear() ? ", without a relu" : "")));
            Table table = new Table(">p", ">loss", ">represented", ">D*", "features by arrangement");
            for (TrainedToy toy : toys) {
                table.row(
                        String.valueOf(toy.setting().density()),
                        String.format(Locale.ROOT, "%.5g", toy.loss()),
                        toy.model().geometry().represented() + " of " + first.features(),
                        String.format(Locale.ROOT, "%.3f", toy.dimensionsPerFeature()),
                        arrangements(toy));
            }
            table.print(console);
        });
        console.out().println();
        console.lines(String.format(
                Locale.ROOT,
                "D* = m / |W|^2: dimensions a feature. Two features in one dimension share it below p = 4/7 ="
                        + " %.3f: sharing loses p^2/3, keeping one p/3 - p^2/4.",
                TwoFeatures.CROSSING));
    }

    private static String arrangements(TrainedToy toy) {
        Map<Arrangement, Integer> counts = toy.arrangements();
        String text = counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey().title())
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? "-" : text;
    }

    /** Each picture by the name of its files, without an ending. */
    private Map<String, Picture> pictures() {
        Map<String, Picture> pictures = new LinkedHashMap<>();
        groups.forEach((name, toys) -> {
            ToySetting first = toys.getFirst().setting();
            boolean given = name.equals("models");
            String prefix = given ? "toy-models-" : "toy-";
            if ((given || name.equals("weights")) && first.features() <= ToyStripPicture.MAX_FEATURES) {
                pictures.put(prefix + "weights", ToyStripPicture.of("Toy models of superposition", toys));
            }
            if ((given || name.equals("plane")) && first.hidden() == 2) {
                pictures.put(prefix + "plane", ToyPlanePicture.of("Features of toy models as vectors", toys));
            }
            if ((given || name.equals("dimensionality")) && toys.size() > 1) {
                pictures.put(
                        prefix + "dimensionality",
                        DimensionalityPicture.of("Dimensions that features of toy models take", toys));
            }
        });
        return pictures;
    }

    /** The files by name. */
    public Map<String, byte[]> files() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("toy.csv", csv().getBytes(StandardCharsets.UTF_8));
        files.put("toy.json", JsonText.compact(json -> {
            json.writeStartObject();
            writeJson(json);
            json.writeEndObject();
        }));
        pictures().forEach((name, picture) -> {
            files.put(name + ".svg", picture.svg().getBytes(StandardCharsets.UTF_8));
            files.put(name + ".png", picture.png());
        });
        return files;
    }

    private String csv() {
        List<String> lines = new ArrayList<>();
        lines.add(
                "group,features,hidden,decay,linear,density,seed,loss,feature,length,bias,dimensionality,arrangement");
        groups.forEach((name, toys) -> {
            for (TrainedToy toy : toys) {
                ToySetting setting = toy.setting();
                FeatureGeometry geometry = toy.model().geometry();
                double[] norms = geometry.norms();
                double[] dimensionalities = geometry.dimensionalities();
                float[] bias = toy.model().bias();
                for (int i = 0; i < norms.length; i++) {
                    Optional<Arrangement> found = Arrangement.of(dimensionalities[i]);
                    lines.add(name + "," + setting.features() + "," + setting.hidden() + "," + setting.decay() + ","
                            + setting.linear() + "," + setting.density() + "," + setting.seed() + "," + toy.loss() + ","
                            + i + "," + norms[i] + "," + bias[i] + "," + dimensionalities[i] + ","
                            + found.map(Arrangement::title).orElse(""));
                }
            }
        });
        return String.join("\n", lines) + "\n";
    }

    public void writeJson(JsonGenerator json) {
        json.writeNumberProperty("instances", instances);
        json.writeArrayPropertyStart("toys");
        groups.forEach((name, toys) -> {
            for (TrainedToy toy : toys) {
                write(json, name, toy);
            }
        });
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, String name, TrainedToy toy) {
        ToySetting setting = toy.setting();
        FeatureGeometry geometry = toy.model().geometry();
        json.writeStartObject();
        json.writeStringProperty("group", name);
        json.writeNumberProperty("features", setting.features());
        json.writeNumberProperty("hidden", setting.hidden());
        json.writeNumberProperty("density", setting.density());
        json.writeNumberProperty("decay", setting.decay());
        json.writeBooleanProperty("linear", setting.linear());
        json.writeNumberProperty("seed", setting.seed());
        JsonOutput.number(json, "loss", toy.loss());
        json.writeNumberProperty("represented", geometry.represented());
        JsonOutput.number(json, "dimensions_per_feature", toy.dimensionsPerFeature());
        json.writeName("dimensionality");
        json.writeArray(geometry.dimensionalities(), 0, setting.features());
        json.writeName("length");
        json.writeArray(geometry.norms(), 0, setting.features());
        json.writeName("bias");
        json.writeStartArray();
        for (float value : toy.model().bias()) {
            json.writeNumber(value);
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
