package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.feature.InterpretableComparison;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.report.LatentPages;
import dev.hyaline.explorer.view.LatentsView;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.ConceptOptions;
import dev.hyaline.tools.option.ExploredFiles;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.TextOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
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
            "  hyaline sae features --sae DIR --latents 26,100-120 --out pages",
            "  hyaline sae features --sae DIR --html latents.html --on \"The cat saw the dog\""
        })
public final class SaeFeaturesCommand implements Runnable, CheckedOptions {
    private static final int TEXTS = 256;
    private static final int SHOWN = 200;
    private static final String DEFAULT_FOLDER = "hyaline-latents";

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

    @Option(
            names = "--dump",
            paramLabel = "DIR",
            description = "Show latents on the first documents of this dump in shards, as explore does, in place of"
                    + " other texts.")
    private @Nullable String dump;

    @Mixin
    private ConceptOptions concepts;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = {
                "Folder to write. It must not exist: a folder is never replaced, because it may hold other files."
                        + " Default: hyaline-latents, or none with --html"
            })
    private @Nullable String out;

    @Mixin
    private PageOption page;

    @Option(
            names = "--on",
            paramLabel = "TEXT",
            description = {
                "With --html: show where latents fire on this prompt. Default: \"" + PromptOptions.BUILT_IN_PROMPT
                        + "\""
            })
    private @Nullable String prompt;

    @Mixin
    private ModelRunOptions run;

    SaeFeaturesCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (folder() != null) {
            PathOption.newFolder("--out", Objects.requireNonNull(folder()));
        }
        if (dump != null && !texts.given().isEmpty()) {
            throw new BadInputException(
                    "--dump takes texts as the dump has them; leave out " + String.join(", ", texts.given()));
        }
        if (prompt != null && !page.isAsked()) {
            throw new BadInputException("--on chooses the prompt of a page: name its file with --html");
        }
        if (!latents.isEmpty()) {
            SelectionOptions.indices("--latents", latents);
        }
    }

    /** The folder to write; null for none. */
    private @Nullable String folder() {
        return out == null && !page.isAsked() ? DEFAULT_FOLDER : out;
    }

    @Override
    public void run() {
        @Nullable Path folder = folder() == null ? null : PathOption.parse("--out", Objects.requireNonNull(folder()));
        SaeFile sae = source.read(console);
        if (!latents.isEmpty()) {
            SelectionOptions.indices("--latents", latents)
                    .in(sae.autoencoder().config().latents(), "latent");
        }
        try (Checkpoint checkpoint = run.open(console);
                ActivationStore store = dump == null ? null : ExploredFiles.open(dump, checkpoint);
                Gpt2 model = run.start(checkpoint, console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Attachment attachment = source.attach(sae, model, console);
            Prompts prompts = store == null
                    ? texts.prompts(model, vocabulary, TEXTS, console)
                    : ExploredFiles.prompts(model, store);
            LatentStudy study = LatentStudy.of(model, attachment, prompts, texts.excluded(vocabulary));
            int[] chosen = latents.isEmpty()
                    ? Arrays.stream(study.firing()).limit(SHOWN).toArray()
                    : IndexSelection.parse(latents).in(study.latents(), "latent");
            if (folder != null) {
                try (ConsoleProgress progress = new ConsoleProgress(console, "write", "pages", chosen.length)) {
                    LatentPages.write(
                            study,
                            checkpoint.name(),
                            chosen,
                            vocabulary::text,
                            folder,
                            Map.of(
                                    CommandRecord.FILE,
                                    run.record(null, checkpoint).file()),
                            progress::advance);
                }
            }
            page.write(console, checkpoint, () -> page(checkpoint, vocabulary, model, study, chosen), run.json());
            Map<String, Set<Integer>> sets = concepts.setsAndTokens(vocabulary, prompts);
            @Nullable
            InterpretableComparison compared = InterpretableComparison.isPossible(study, sets)
                    ? InterpretableComparison.of(model, study, sets)
                    : null;
            if (run.json()) {
                JsonOutput.print(console, json -> {
                    json.writeStringProperty("out", folder == null ? "" : folder.toString());
                    json.writeNumberProperty("pages", folder == null ? 0 : chosen.length);
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
            if (folder != null) {
                console.out()
                        .println("Wrote " + chosen.length + " pages; open " + folder.resolve("index.html")
                                + " in a browser");
            }
        }
    }

    private Page page(Checkpoint checkpoint, ModelVocabulary vocabulary, Gpt2 model, LatentStudy study, int[] chosen) {
        String title = "Latents of " + study.attachment().place();
        ViewHeading heading = page.heading(title, checkpoint.name())
                .withBasis(DisplayText.plural(study.tokens(), "token") + " of "
                        + DisplayText.plural(study.texts(), "text"))
                .withJava("LatentStudy.of(model, attachment, prompts, Set.of()).page(latent)");
        if (vocabulary.tokenizer().isEmpty() && prompt == null) {
            return Page.of(title + ", " + checkpoint.name(), LatentsView.of(heading, study, chosen, vocabulary::shown));
        }
        String text = prompt == null ? PromptOptions.BUILT_IN_PROMPT : prompt;
        int[] tokens = vocabulary.encode(text, true);
        LatentsView view = LatentsView.of(
                        heading.withPrompt(
                                text,
                                Arrays.stream(tokens)
                                        .mapToObj(vocabulary::shown)
                                        .toList()),
                        study,
                        chosen,
                        vocabulary::shown)
                .withPrompt(LatentStudy.of(model, study.attachment(), Prompts.of(model.config(), tokens), Set.of()));
        return Page.of(title + ", " + checkpoint.name(), view);
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
