package dev.hyaline.explorer.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentEdit;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.Browser;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.view.LatentsView;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.EditedModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Latents and a dump in the live page, in Chromium. */
@ResourceLock(Browser.LOCK)
final class LiveFilesTest {
    private static final int LATENTS = 48;
    private static final HookPoint SITE = HookPoint.of(Site.RESID_POST, 2);
    private static final HookPoint MLP = HookPoint.of(Site.MLP_POST, 1);

    @TempDir
    private static Path folder;

    private static LiveFable fable;
    private static ExploredModel explored;
    private static LatentStudy study;
    private static ActivationStore store;
    private static int[] tokens;
    private static Browser browser;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        fable = LiveFable.start(LiveFilesTest::withFiles);
        tokens = fable.encoder().prompt(LiveFable.PROMPT);
        browser = Browser.shared();
    }

    private static ExploredModel withFiles(ExploredModel plain) {
        Gpt2 model = plain.model();
        int d = model.config().dModel();
        SparseAutoencoder autoencoder = SparseAutoencoder.of(
                SaeConfig.of(d, LATENTS, new LatentActivation.Relu()),
                SaeParameters.of(
                        gaussians(d * LATENTS, 1), new float[LATENTS], gaussians(d * LATENTS, 2), new float[d]),
                SaeMetadata.unknown());
        int[] first = Objects.requireNonNull(plain.encoder()).prompt("Once upon a time there was a dog.");
        int[] second = plain.encoder().prompt("The cat likes milk.");
        study = LatentStudy.of(
                model,
                Attachment.of(autoencoder, model, SITE, SITE),
                Prompts.of(model.config(), first, second),
                Set.of());
        CorpusDump dump = CorpusDump.of(model.config(), List.of(MLP, SITE));
        Corpus corpus = Corpus.of(List.of(new Document("one", first), new Document("two", second)));
        Path place = folder.resolve("dump");
        try (DumpFolder opened = DumpFolder.open(place, DumpFolder.IfExists.REFUSE)) {
            dump.write(
                    model,
                    corpus,
                    dump.forecast(corpus, read -> {}),
                    opened,
                    new Provenance("hyaline test", List.of("hyaline"), "fable", List.of(), first[0], token -> ""),
                    CorpusListener.NONE);
        }
        store = ActivationStore.open(place);
        explored = plain.withLatents(new ExploredLatents(() -> study, "--sae 'my sae'", "--texts 64"))
                .withDump(new ExploredDump("a dump", store));
        return explored;
    }

    private static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = 0.1f * (float) random.nextGaussian();
        }
        return numbers;
    }

    @AfterAll
    static void stop() {
        if (fable != null) {
            fable.close();
            store.close();
        }
    }

    private static void open(String view) throws InterruptedException {
        browser.show(1280, 900, "light", "screen");
        browser.open(fable.server().address() + "&" + view);
        browser.await("document.querySelector('section:not([hidden]) .choices select')");
        assertThat(browser.complaints()).isEmpty();
    }

    private static LatentStudy ofPrompt() {
        return LatentStudy.of(
                fable.model(), study.attachment(), Prompts.of(fable.model().config(), tokens), Set.of());
    }

    private static float[] numbers(String selector) throws InterruptedException {
        String text = browser.evaluate(
                "[...document.querySelectorAll(" + Browser.quoted(selector) + ")].map(e => e.dataset.value).join(' ')");
        String[] parts = text.split(" ", -1);
        float[] numbers = new float[parts.length];
        for (int i = 0; i < parts.length; i++) {
            numbers[i] = (float) Double.parseDouble(parts[i]);
        }
        return numbers;
    }

    @Test
    void latentsThatFireOnThePromptComeFirstAndAnyIsFound() throws InterruptedException {
        open("latents");
        LatentStudy ofPrompt = ofPrompt();
        int[] strongest = LatentsView.strongest(ofPrompt);
        assertThat(browser.evaluate("[...document.querySelectorAll('.latents b')].map(b => b.textContent).join()"))
                .isEqualTo(String.join(
                        ",", Arrays.stream(strongest).mapToObj(String::valueOf).toList()));
        int weakest = strongest[strongest.length - 1];
        browser.evaluate("[...document.querySelectorAll('.latents button')].at(-1).click()");
        browser.await("document.querySelector('.latent .lists')?.parentElement.querySelector('h3').textContent"
                + " === 'Latent " + weakest + "'");
        float[] activations = new float[tokens.length];
        for (int t = 0; t < activations.length; t++) {
            activations[t] = ofPrompt.activation(weakest, t);
        }
        assertThat(numbers(".latent .example:nth-of-type(2) .token")).containsExactly(activations);
        assertThat(numbers(".lists section:first-child td"))
                .containsExactly(study.page(weakest).foldedLogits().raised().values());
    }

    @Test
    void aLogitDifferenceIsSplitByLatents() throws IOException, InterruptedException {
        assertThat(new RawHttp(fable.server())
                        .post("view", "{\"view\": \"attribution\", \"prompt\": \"The dog\", \"by\": \"feature\"}")
                        .text())
                .contains("\"command\":\"hyaline attribute --raw --by feature --sae 'my sae' --clean 'The dog' ");
        open("attribution/by=feature&answer=+Mary&distractor=+John");
        browser.await("document.querySelector('.results .sum') && !document.querySelector('.results[aria-busy]')");
        PromptPair pair = new PromptPair(
                LiveFable.PROMPT,
                tokens,
                tokens,
                new int[] {fable.encoder().token(" Mary")},
                new int[] {fable.encoder().token(" John")},
                Map.of());
        double[] means = DirectLogitAttribution.of(
                        fable.model(), PromptPairs.of(fable.model().config(), List.of(pair)), PromptPair.END)
                .byFeature(study.attachment())
                .table()
                .means();
        assertThat(means).hasSizeGreaterThan(2);
        assertThat(Double.parseDouble(browser.evaluate("document.querySelector('.sum b').dataset.value")))
                .isEqualTo(Arrays.stream(means).sum());
    }

    @Test
    void latentsEditedInPlaceGiveTheLibrarysRun() throws InterruptedException {
        int[] strongest = LatentsView.strongest(ofPrompt());
        open("latents/latent=" + strongest[0] + "&edits=" + strongest[0] + ":ablate," + strongest[1] + ":clamp:3.5");
        browser.await("document.querySelector('.change tbody tr')");
        Splice splice = Splice.of(study.attachment())
                .withError()
                .edit(new LatentEdit.AblateLatent(strongest[0]), new LatentEdit.ClampLatent(strongest[1], 3.5f));
        float[] base = logits(Interventions.of());
        float[] edited = logits(Interventions.of(splice.intervention()));
        String[] shown = browser.evaluate(
                        "[...document.querySelectorAll('.change tbody tr')].map(r => r.dataset.token)")
                .split(",", -1);
        float[] baseShown = numbers(".change td:nth-child(2)");
        float[] editedShown = numbers(".change td:nth-child(3)");
        assertThat(shown).hasSizeGreaterThanOrEqualTo(10);
        for (int i = 0; i < shown.length; i++) {
            assertThat(baseShown[i]).isEqualTo(base[Integer.parseInt(shown[i])]);
            assertThat(editedShown[i]).isEqualTo(edited[Integer.parseInt(shown[i])]);
        }
        assertThat(edited).isNotEqualTo(base);
    }

    private static float[] logits(Interventions edits) {
        return EditedModel.of(fable.model(), edits)
                .forward(Prompts.of(fable.model().config(), tokens), LogitSelection.last())
                .logits();
    }

    @Test
    void theFormEditsALatent() throws InterruptedException {
        int latent = LatentsView.strongest(ofPrompt())[0];
        open("latents/latent=" + latent);
        browser.evaluate("(() => { const s = document.querySelector('.edits select'); s.value = 'scale';"
                + " s.dispatchEvent(new Event('change')); })()");
        browser.await("document.querySelector('.change tbody tr')");
        assertThat(browser.evaluate("document.activeElement.localName")).isEqualTo("select");
        browser.evaluate("document.querySelector('.edits input[type=range]').focus()");
        browser.press("ArrowRight");
        browser.await("decodeURIComponent(location.hash).endsWith('edits=" + latent + ":scale:2.1')");
        browser.await("document.querySelector('.change').textContent.includes('multiplied by 2.1')");
        browser.click(".change .round");
        browser.await("!location.hash.includes('edits') && !document.querySelector('.change table')");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void rowsOfTheDumpAreReadFromWhereOneLikes() throws InterruptedException {
        int rows = Math.toIntExact(store.rows());
        int width = store.width(MLP);
        float[] values = new float[rows * width];
        store.read(MLP, 0, rows, values, 0);
        for (int first : new int[] {0, 4}) {
            open("corpus/site=" + MLP.name() + "&component=9&row=" + first);
            float[] expected = new float[rows - first];
            for (int row = first; row < rows; row++) {
                expected[row - first] = values[row * width + 9];
            }
            assertThat(numbers("#corpus .document .token")).containsExactly(expected);
        }
        browser.evaluate("document.querySelector('#corpus .choices button').click()");
        browser.await("document.querySelectorAll('#corpus .document .token').length === " + rows);
        assertThat(browser.evaluate("location.hash")).doesNotContain("row=");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void theFirstViewsAreMadeBeforeTheyAreAskedFor() {
        RunProgress nobody = new Run("1", "");
        LiveModel model = new LiveModel(explored, LiveFable.PROMPT);
        LiveViews.prepare(model, nobody);
        ViewRequest request = ViewRequest.parse(
                ("{\"view\": \"heads\", \"prompt\": \"" + LiveFable.PROMPT + "\"}").getBytes(StandardCharsets.UTF_8));
        ViewData heads = LiveViews.named("heads", explored).data(model, request, nobody);
        assertThat(LiveViews.named("heads", explored).data(model, request, nobody))
                .isSameAs(heads);
        assertThat(heads.body())
                .isEqualTo(LiveViews.named("heads", explored)
                        .data(new LiveModel(explored, "another"), request, nobody)
                        .body());
    }

    @Test
    void mistakesAreSaid() throws InterruptedException {
        open("corpus");
        for (String[] mistake : new String[][] {
            {"{view: 'latents', prompt: 'a', edits: [{do: 'melt', latent: 1}]}", "ablate, clamp, scale or steer"},
            {"{view: 'latents', prompt: 'a', edits: [{do: 'ablate', latent: 99}]}", "99"},
            {"{view: 'latents', prompt: 'a', latent: 48}", "48"},
            {"{view: 'corpus', prompt: 'a', row: 999}", "the dump has 22 rows, found the first row 999"},
            {"{view: 'corpus', prompt: 'a', site: '../x'}", "the dump has no site ../x"}
        }) {
            assertThat(browser.evaluate("fetch('/api/1/view', {method: 'POST', headers: {'X-Hyaline-Token':"
                            + " sessionStorage.getItem('hyaline-token'), 'Content-Type': 'application/json'}, body:"
                            + " JSON.stringify(" + mistake[0]
                            + ")}).then(async a => a.status + (await a.json()).error)"))
                    .startsWith("400")
                    .contains(mistake[1]);
        }
        // Chromium tells of each 400.
        open("corpus");
        ExploredModel plain = new ExploredModel("m", "", fable.model(), null, explored.vocabulary());
        assertThat(LiveViews.names(plain)).doesNotContain("latents", "corpus");
        assertThatThrownBy(() -> LiveViews.named("latents", plain)).isInstanceOf(BadInputException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"latents", "corpus"})
    void theSameViewsAreAFileThatAsksForNothing(String view) throws IOException, InterruptedException {
        String html = Page.of("both", List.copyOf(ExploredViews.of(explored, LiveFable.PROMPT, tokens)))
                .html();
        assertThat(html)
                .isEqualTo(Page.of("both", List.copyOf(ExploredViews.of(explored, LiveFable.PROMPT, tokens)))
                        .html());
        Path file = Files.writeString(folder.resolve(view + ".html"), html);
        for (String scheme : List.of("light", "dark")) {
            for (int width : new int[] {1280, 400}) {
                browser.show(width, 900, scheme, "screen");
                browser.open(file.toUri() + "#" + view);
                browser.await("document.querySelector('section:not([hidden]) .choices select')");
                assertThat(browser.complaints()).isEmpty();
                assertThat(browser.requests()).containsExactly(file.toUri().toString());
                assertThat(browser.evaluate(Browser.PALE_TEXTS)).isEmpty();
                assertThat(browser.evaluate("document.documentElement.scrollWidth"))
                        .isEqualTo(String.valueOf(width));
            }
        }
        if (view.equals("latents")) {
            assertThat(browser.evaluate("document.querySelector('.latent code').textContent"))
                    .isEqualTo("hyaline explore --sae 'my sae'");
        }
    }
}
