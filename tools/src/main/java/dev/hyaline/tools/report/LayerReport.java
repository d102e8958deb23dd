package dev.hyaline.tools.report;

import dev.hyaline.analysis.probe.RandomDirections;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.measure.DensityPicture;
import dev.hyaline.analysis.superposition.DictionaryMeasure;
import dev.hyaline.analysis.superposition.DictionaryStability;
import dev.hyaline.analysis.superposition.DistributionPicture;
import dev.hyaline.analysis.superposition.DistributionPicture.Distribution;
import dev.hyaline.analysis.superposition.FeatureGeometry;
import dev.hyaline.analysis.superposition.FeatureTests;
import dev.hyaline.analysis.superposition.Interference;
import dev.hyaline.analysis.superposition.LayerSuperposition;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableText;
import dev.hyaline.files.ScreenWidth;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.core.JsonGenerator;

/**
 * The study of a layer.
 *
 * @param model its name
 * @param texts what was studied, in words
 * @param tests of the strongest features, one for each dictionary, or none
 * @param prompts that these were made on, in words
 * @param label of a text that a feature stands for, with tokens in place of their numbers
 */
public record LayerReport(
        String model,
        String texts,
        LayerSuperposition found,
        List<FeatureTests> tests,
        String prompts,
        UnaryOperator<String> label) {
    private static final int BINS = 50;

    /** Columns of a label in a table. */
    private static final int LABEL = 22;

    /** The names of the files, as those of tables. */
    public static String[] names() {
        return new String[] {
            "features",
            "interference-sparse-coding",
            "interference-autoencoder",
            "cosines",
            "dimensionality",
            "densities-sparse-coding",
            "densities-autoencoder",
            "interventions-sparse-coding",
            "interventions-autoencoder"
        };
    }

    public void show(Console console) {
        console.lines(String.format(
                Locale.ROOT,
                "%s of %s: %d dimensions, %.1f effective. Learned from %d tokens, measured on %d others.",
                found.site(),
                model,
                found.width(),
                found.effectiveDimension(),
                found.trainedTokens(),
                found.heldOutTokens()));
        console.out().println();
        Table table = new Table("", ">sparse coding", ">autoencoder");
        row(table, "atoms", measure -> String.valueOf(measure.atoms()));
        row(table, "  used by no token", measure -> String.valueOf(measure.dead()));
        row(
                table,
                "objective a token, alpha " + figure(found.alpha()),
                measure -> String.format(Locale.ROOT, "%.3f", measure.objective()));
        row(table, "explained variance", measure -> String.format(Locale.ROOT, "%.4f", measure.explainedVariance()));
        row(table, "  at atoms a token (L0)", measure -> String.format(Locale.ROOT, "%.1f", measure.l0()));
        row(
                table,
                "on more than 1 % of tokens, share of atoms",
                measure -> percent((double) measure.denserThan(0.01) / measure.atoms()));
        row(table, "  on more than 10 %", measure -> percent((double) measure.denserThan(0.1) / measure.atoms()));
        row(table, "  share of tokens, median of atoms used", measure -> percent(measure.medianDensity()));
        row(
                table,
                "atoms on more than 1 % of tokens, a dimension",
                measure -> String.format(Locale.ROOT, "%.2f", (double) measure.denserThan(0.01) / found.width()));
        row(
                table,
                "features a dimension, of those used",
                measure -> String.format(Locale.ROOT, "%.2f", measure.geometry().featuresPerDimension()));
        row(
                table,
                "dimensionality of a feature, median",
                measure -> figure(median(measure.geometry().dimensionalities())));
        row(
                table,
                "  sum, at most the dimensions",
                measure -> String.format(
                        Locale.ROOT,
                        "%.1f",
                        Arrays.stream(measure.geometry().dimensionalities()).sum()));
        row(
                table,
                "largest cosine of two",
                measure -> figure(interference(measure).largest()));
        row(table, "  at least (Welch)", measure -> figure(interference(measure).welchBound()));
        row(
                table,
                "mean square of cosines",
                measure -> figure(interference(measure).meanSquare()));
        row(
                table,
                "  of random directions",
                measure -> figure(interference(measure).randomMeanSquare()));
        row(
                table,
                "  of a tight frame, the least",
                measure -> figure(interference(measure).leastMeanSquare()));
        row(table, "interference by activity, median", measure -> figure(median(measure.weightedInterference())));
        row(table, "interpretable", measure -> counted(measure.interpretable()));
        row(
                table,
                "  with permuted labels",
                measure -> String.valueOf(measure.interpretable().countPermuted()));
        row(
                table,
                "  labels that they have",
                measure -> String.valueOf(measure.interpretable().labels()));
        table.print(console);
        console.out().println();
        console.lines(String.format(
                Locale.ROOT,
                "Interpretable: says that the token, or the one before or after, is a certain one or of a set,"
                        + " with an F1 of at least %.1f on texts that the label was not chosen on. Of the"
                        + " dimensions %s, of the neurons %s, of random directions %s.",
                InterpretableLatents.ENOUGH,
                counted(found.comparison().basis()),
                counted(found.comparison().neurons()),
                counted(found.comparison().random())));
        console.out().println();
        Table likeness = new Table("mean largest cosine (MMCS)", ">there", ">back", ">above 0.7", ">random");
        for (DictionaryStability stability : found.stability()) {
            likeness.row(
                    stability.first() + ", " + stability.second(),
                    String.format(Locale.ROOT, "%.3f", stability.mmcs()),
                    String.format(Locale.ROOT, "%.3f", stability.back()),
                    String.format(Locale.ROOT, "%.1f %%", 100 * stability.shareAbove()),
                    String.format(Locale.ROOT, "%.3f", stability.random()));
        }
        likeness.print(console);
        if (!tests.isEmpty()) {
            console.out().println();
            showTests(console);
        }
    }

    private void showTests(Console console) {
        for (int i = 0; i < tests.size(); i++) {
            showTest(console, i);
        }
        TableView.explain(console, tests.getFirst().effects());
        console.dimLines("adj. p: adjusted p; rank p: share of the random directions whose change is as large, the"
                + " feature counted as one");
        console.dimLines("used: the effect is above 0, its adjusted p stands out, and its rank p is at most "
                + RandomDirections.AS_MUCH);
    }

    private void showTest(Console console, int dictionary) {
        FeatureTests test = tests.get(dictionary);
        console.out().println(console.bold("The strongest features edited, " + test.dictionary()));
        console.dimLines("at every token of " + prompts + "; change: absolute change of the logit difference; effect:"
                + " how much more that is than of " + test.random() + " random directions of the same length");
        Table table = new Table(
                "atom", "label", "edit", ">change", ">effect", ">95% interval", ">adj. p", "", ">rank p", "used");
        for (int atom = 0; atom < test.atoms().length; atom++) {
            for (int edit = 0; edit < FeatureTests.edits().size(); edit++) {
                int cell = test.effects().cell(edit, atom);
                List<Object> figures = TableView.figures(test.effects(), cell);
                table.row(
                        edit == 0 ? String.valueOf(test.atoms()[atom]) : "",
                        edit == 0 ? ScreenWidth.shortened(shortLabel(dictionary, test.atoms()[atom]), LABEL) : "",
                        FeatureTests.edits().get(edit),
                        test.effects().mean(cell),
                        figures.get(0),
                        figures.get(1),
                        figures.get(3),
                        figures.get(4),
                        String.format(Locale.ROOT, "%.3f", test.asMuch()[cell]),
                        test.isUsed(edit, atom) ? "yes" : "no");
            }
        }
        table.print(console);
        console.out().println();
    }

    private String shortLabel(int dictionary, int atom) {
        return label.apply(
                found.dictionaries().get(dictionary).interpretable().best().get(atom));
    }

    /** What the edits of an atom show, in words. */
    private static String verdict(FeatureTests test, int atom) {
        if (test.isUsed(0, atom)) {
            return "used by the model";
        }
        return test.isUsed(1, atom) ? "not used, but steers" : "not used by the model";
    }

    private static Interference interference(DictionaryMeasure measure) {
        return measure.geometry().interference();
    }

    private void row(Table table, String name, Function<DictionaryMeasure, String> cell) {
        table.row(
                name,
                cell.apply(found.dictionaries().getFirst()),
                cell.apply(found.dictionaries().getLast()));
    }

    private static String counted(InterpretableLatents latents) {
        return String.format(
                Locale.ROOT, "%d of %d (%.1f %%)", latents.count(), latents.alive(), 100 * latents.share());
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.3g %%", 100 * share);
    }

    private static String figure(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.3g", value);
    }

    private static double median(double[] values) {
        double[] sorted =
                Arrays.stream(values).filter(Double::isFinite).sorted().toArray();
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /** The interference matrices and the tests of the strongest atoms, by the names of their files. */
    public Map<String, ResultTable> tables() {
        Map<String, ResultTable> tables = new LinkedHashMap<>();
        for (DictionaryMeasure measure : found.dictionaries()) {
            ResultTable table = found.interference(measure);
            tables.put("interference-" + measure.name().replace(' ', '-'), table.from(model + ", " + table.origin()));
        }
        for (FeatureTests test : tests) {
            tables.put(
                    "interventions-" + test.dictionary().replace(' ', '-'),
                    test.effects().from(model + ", " + test.effects().origin() + ", " + prompts));
        }
        return tables;
    }

    /** The other files by name. */
    public Map<String, byte[]> files() {
        String origin = model + ", " + found.site() + ", " + found.width() + " dimensions";
        double widest = Stream.concat(
                        found.dictionaries().stream().map(DictionaryMeasure::geometry), Stream.of(found.random()))
                .flatMapToDouble(geometry -> Arrays.stream(geometry.dimensionalities()))
                .map(dimensionality -> Math.min(1, Math.ceil(10 * dimensionality) / 10))
                .max()
                .orElse(1);
        List<Distribution> cosines = new ArrayList<>();
        List<Distribution> dimensionalities = new ArrayList<>();
        for (DictionaryMeasure measure : found.dictionaries()) {
            String name = measure.name() + " (" + measure.alive().length + ")";
            cosines.add(new Distribution(name, interference(measure).histogram()));
            dimensionalities.add(distribution(name, measure.geometry(), widest));
        }
        String random = "random directions (" + found.random().features() + ")";
        cosines.add(new Distribution(random, found.random().interference().histogram()));
        dimensionalities.add(distribution(random, found.random(), widest));
        DistributionPicture cosinePicture = DistributionPicture.of(
                "Cosines between any two features", origin, "cosine (interference)", -1, 1, true, cosines);
        DistributionPicture dimensionPicture = DistributionPicture.of(
                "Dimensionality of features",
                origin,
                "Dᵢ: share of a dimension that a feature has for itself",
                0,
                widest,
                false,
                dimensionalities);
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("features.csv", bytes(csv()));
        files.put("cosines.svg", bytes(cosinePicture.svg()));
        files.put("cosines.png", cosinePicture.png());
        files.put("dimensionality.svg", bytes(dimensionPicture.svg()));
        files.put("dimensionality.png", dimensionPicture.png());
        for (DictionaryMeasure measure : found.dictionaries()) {
            DensityPicture densities = DensityPicture.of(
                    "How often features are used: " + measure.name(),
                    origin + ", " + found.heldOutTokens() + " tokens of " + texts,
                    measure.densities(),
                    found.heldOutTokens());
            String name = "densities-" + measure.name().replace(' ', '-');
            files.put(name + ".svg", bytes(densities.svg()));
            files.put(name + ".png", densities.png());
        }
        return files;
    }

    private static Distribution distribution(String name, FeatureGeometry geometry, double to) {
        return new Distribution(name, DistributionPicture.counts(geometry.dimensionalities(), 0, to, BINS));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String csv() {
        StringBuilder csv = new StringBuilder(
                "dictionary,atom,density,mean_square,dimensionality,largest_cosine,interference_by_activity,label,f1\n");
        for (DictionaryMeasure measure : found.dictionaries()) {
            double[] dimensionalities = measure.geometry().dimensionalities();
            double[] largest = measure.geometry().largestCosines();
            double[] weighted = measure.weightedInterference();
            for (int i = 0; i < measure.alive().length; i++) {
                int atom = measure.alive()[i];
                String text = label.apply(measure.interpretable().best().get(atom));
                csv.append(String.join(
                                ",",
                                measure.name(),
                                String.valueOf(atom),
                                String.valueOf(measure.densities()[atom]),
                                String.valueOf(measure.secondMoments()[atom]),
                                String.valueOf(dimensionalities[i]),
                                String.valueOf(largest[i]),
                                String.valueOf(weighted[i]),
                                "\"" + text.replace("\"", "\"\"") + "\"",
                                String.valueOf(measure.interpretable().f1()[atom])))
                        .append('\n');
            }
        }
        return csv.toString();
    }

    public void writeJson(JsonGenerator json) {
        json.writeStringProperty("model", model);
        json.writeStringProperty("site", found.site().name());
        json.writeStringProperty("texts", texts);
        json.writeNumberProperty("width", found.width());
        JsonOutput.number(json, "effective_dimension", found.effectiveDimension());
        json.writeNumberProperty("trained_tokens", found.trainedTokens());
        json.writeNumberProperty("held_out_tokens", found.heldOutTokens());
        JsonOutput.number(json, "alpha", found.alpha());
        json.writeArrayPropertyStart("dictionaries");
        found.dictionaries().forEach(measure -> write(json, measure));
        json.writeEndArray();
        json.writeObjectPropertyStart("beside");
        write(json, "basis", found.comparison().basis());
        write(json, "neurons", found.comparison().neurons());
        write(json, "random_directions", found.comparison().random());
        json.writeEndObject();
        json.writeArrayPropertyStart("stability");
        for (DictionaryStability stability : found.stability()) {
            json.writeStartObject();
            json.writeStringProperty("first", stability.first());
            json.writeStringProperty("second", stability.second());
            JsonOutput.number(json, "mmcs", stability.mmcs());
            JsonOutput.number(json, "mmcs_back", stability.back());
            JsonOutput.number(json, "share_above_0_7", stability.shareAbove());
            JsonOutput.number(json, "mmcs_random", stability.random());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("interventions");
        for (int i = 0; i < tests.size(); i++) {
            write(json, i, tests.get(i));
        }
        json.writeEndArray();
    }

    private void write(JsonGenerator json, int dictionary, FeatureTests test) {
        json.writeStartObject();
        json.writeStringProperty("dictionary", test.dictionary());
        json.writeStringProperty("prompts", prompts);
        json.writeNumberProperty("random_directions", test.random());
        json.writeArrayPropertyStart("features");
        for (int atom = 0; atom < test.atoms().length; atom++) {
            json.writeStartObject();
            json.writeNumberProperty("atom", test.atoms()[atom]);
            json.writeStringProperty("label", shortLabel(dictionary, test.atoms()[atom]));
            json.writeStringProperty("verdict", verdict(test, atom));
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeName("random_as_large");
        json.writeArray(test.asMuch(), 0, test.asMuch().length);
        json.writeObjectPropertyStart("table");
        TableText.writeJson(test.effects(), json);
        json.writeEndObject();
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, DictionaryMeasure measure) {
        Interference interference = interference(measure);
        double[] dimensionalities = measure.geometry().dimensionalities();
        json.writeStartObject();
        json.writeStringProperty("name", measure.name());
        json.writeNumberProperty("atoms", measure.atoms());
        json.writeNumberProperty("dead", measure.dead());
        JsonOutput.number(json, "objective", measure.objective());
        JsonOutput.number(json, "explained_variance", measure.explainedVariance());
        JsonOutput.number(json, "l0", measure.l0());
        json.writeNumberProperty("denser_than_1_percent", measure.denserThan(0.01));
        json.writeNumberProperty("denser_than_10_percent", measure.denserThan(0.1));
        JsonOutput.number(json, "density_median", measure.medianDensity());
        JsonOutput.number(json, "features_per_dimension", measure.geometry().featuresPerDimension());
        JsonOutput.number(json, "dimensionality_median", median(dimensionalities));
        JsonOutput.number(
                json, "dimensionality_sum", Arrays.stream(dimensionalities).sum());
        JsonOutput.number(json, "largest_cosine", interference.largest());
        JsonOutput.number(json, "mean_largest_cosine", interference.meanLargest());
        JsonOutput.number(json, "welch_bound", interference.welchBound());
        JsonOutput.number(json, "mean_square_cosine", interference.meanSquare());
        JsonOutput.number(json, "mean_square_random", interference.randomMeanSquare());
        JsonOutput.number(json, "mean_square_least", interference.leastMeanSquare());
        JsonOutput.number(json, "interference_by_activity_median", median(measure.weightedInterference()));
        json.writeName("cosine_histogram");
        json.writeArray(interference.histogram(), 0, interference.histogram().length);
        write(json, "interpretable", measure.interpretable());
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, InterpretableLatents latents) {
        json.writeObjectPropertyStart(name);
        json.writeNumberProperty("of", latents.alive());
        json.writeNumberProperty("count", latents.count());
        JsonOutput.number(json, "share", latents.share());
        json.writeNumberProperty("labels", latents.labels());
        json.writeNumberProperty("with_permuted_labels", latents.countPermuted());
        json.writeEndObject();
    }
}
