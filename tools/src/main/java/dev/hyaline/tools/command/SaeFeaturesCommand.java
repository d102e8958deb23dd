package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.feature.InterpretableComparison;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.explorer.report.LatentPages;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ConceptOptions;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline sae features}: pages of latents. */
@Command(
        name = "features",
        header = "Shows latents as pages that open in a browser, and as Neuronpedia's JSON.",
        description = {
            "",
            "Writes index.html, a page for each latent with where it fires, what it raises and which others it"
                    + " resembles, and neuronpedia.json. The pages need no server and no network.",
            "",
            "Prints how many latents say one nameable thing, that the token or the one before it is a certain one or"
                    + " of a set (--concepts), beside the dimensions and neurons of the model and random directions."
                    + " What a latent says is chosen on half of the texts and counted on the other half."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae features --sae hyaline-sae",
            "  hyaline sae features --sae DIR --latents 26,100-120 --out pages"
        })
public final class SaeFeaturesCommand implements Runnable, CheckedOptions {
    private static final int TEXTS = 256;
    private static final int SHOWN = 200;

    private final Console console;

    @Mixin
    private SaeSource source;

    @Option(
            names = "--latents",
            paramLabel = "LIST",
            description = "Latents to show, such as 26,100-120. Default: the 200 that fire most often")
    private String latents = "";

    @Mixin
    private TextOptions texts;

    @Mixin
    private ConceptOptions concepts;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = {
                "Folder to write. It must not exist: a folder is never replaced, because it may hold other files."
                        + " Default: ${DEFAULT-VALUE}"
            })
    private String out = "hyaline-latents";

    @Mixin
    private ModelRunOptions run;

    SaeFeaturesCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        PathOption.newFolder("--out", out);
        if (!latents.isEmpty()) {
            SelectionOptions.indices("--latents", latents);
        }
    }

    @Override
    public void run() {
        Path folder = PathOption.parse("--out", out);
        SaeFile sae = source.read(console);
        if (!latents.isEmpty()) {
            SelectionOptions.indices("--latents", latents)
                    .in(sae.autoencoder().config().latents(), "latent");
        }
        try (Checkpoint checkpoint = run.open(console);
                Gpt2 model = run.start(checkpoint, console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Attachment attachment = source.attach(sae, model, console);
            Prompts prompts = texts.prompts(model, vocabulary, TEXTS, console);
            LatentStudy study = LatentStudy.of(model, attachment, prompts, texts.excluded(vocabulary));
            int[] chosen = latents.isEmpty()
                    ? Arrays.stream(study.firing()).limit(SHOWN).toArray()
                    : IndexSelection.parse(latents).in(study.latents(), "latent");
            try (ConsoleProgress progress = new ConsoleProgress(console, "write", "pages", chosen.length)) {
                LatentPages.write(study, checkpoint.name(), chosen, vocabulary::text, folder, progress::advance);
            }
            Map<String, Set<Integer>> sets = concepts.setsAndTokens(vocabulary, prompts);
            @Nullable
            InterpretableComparison compared = InterpretableComparison.isPossible(study, sets)
                    ? InterpretableComparison.of(model, study, sets)
                    : null;
            if (run.json()) {
                JsonOutput.print(console, json -> {
                    json.writeStringProperty("out", out);
                    json.writeNumberProperty("pages", chosen.length);
                    json.writeNumberProperty("tokens", study.tokens());
                    if (compared != null) {
                        json.writeObjectPropertyStart("interpretable");
                        rows(compared).forEach((name, found) -> {
                            json.writeObjectPropertyStart(name.replace(' ', '_'));
                            json.writeNumberProperty("of", found.alive());
                            json.writeNumberProperty("count", found.count());
                            JsonOutput.number(json, "share", found.share());
                            json.writeNumberProperty("labels", found.labels());
                            json.writeNumberProperty("with_permuted_labels", found.countPermuted());
                            json.writeEndObject();
                        });
                        json.writeEndObject();
                    }
                });
                return;
            }
            if (compared != null) {
                show(study, compared);
            }
            console.out()
                    .println("Wrote " + chosen.length + " pages; open " + folder.resolve("index.html")
                            + " in a browser");
        }
    }

    private static Map<String, InterpretableLatents> rows(InterpretableComparison compared) {
        Map<String, InterpretableLatents> rows = new LinkedHashMap<>();
        rows.put("latents", compared.latents());
        rows.put("basis", compared.basis());
        rows.put("neurons", compared.neurons());
        rows.put("random directions", compared.random());
        return rows;
    }

    private void show(LatentStudy study, InterpretableComparison compared) {
        console.out()
                .println(String.format(
                        Locale.ROOT,
                        "Say one nameable thing (F1 of at least %.1f on the half of %d tokens that they were not chosen"
                                + " on):",
                        InterpretableLatents.ENOUGH,
                        study.tokens()));
        console.out().println();
        Table table = new Table("", ">fire", ">interpretable", ">share", ">labels", ">permuted labels");
        rows(compared)
                .forEach((name, found) -> table.row(
                        name,
                        String.valueOf(found.alive()),
                        String.valueOf(found.count()),
                        String.format(Locale.ROOT, "%.1f %%", 100 * found.share()),
                        String.valueOf(found.labels()),
                        String.valueOf(found.countPermuted())));
        table.print(console);
        console.out().println();
    }
}
