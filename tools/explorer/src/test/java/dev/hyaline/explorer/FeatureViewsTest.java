package dev.hyaline.explorer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.explorer.view.CorpusRecorder;
import dev.hyaline.explorer.view.CorpusView;
import dev.hyaline.explorer.view.LatentsView;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CapturePasses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Latents and dumps in Debian's Chromium. */
@ResourceLock(Browser.LOCK)
final class FeatureViewsTest {
    private static final String HOSTILE = PageTest.HOSTILE.replace("\u0000", "");
    private static final int[] SHOWN = {3, 7, 11};
    private static final HookPoint MLP = HookPoint.of(Site.MLP_POST, 1);

    @TempDir
    private static Path folder;

    private static Browser browser;
    private static Path file;
    private static LatentStudy study;
    private static LatentStudy ofPrompt;
    private static int[] prompt;
    private static Prompts prompts;
    private static CorpusView corpus;
    private static float[] values;

    private static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }

    private static ViewToken token(int id) {
        return ViewToken.of(id, id % 3 == 0 ? HOSTILE : " w" + id);
    }

    private static LatentsView latents() {
        return LatentsView.of(
                        ViewHeading.of("Latents", HOSTILE)
                                .withPrompt(
                                        HOSTILE,
                                        Arrays.stream(prompt)
                                                .mapToObj(FeatureViewsTest::token)
                                                .toList()),
                        study,
                        SHOWN,
                        FeatureViewsTest::token)
                .withPrompt(ofPrompt);
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.SMALL, 5))) {
            Gpt2Config config = model.config();
            int d = config.dModel();
            SparseAutoencoder autoencoder = SparseAutoencoder.of(
                    SaeConfig.of(d, 24, new LatentActivation.Relu()),
                    SaeParameters.of(gaussians(d * 24, 1), new float[24], gaussians(d * 24, 2), new float[d]),
                    SaeMetadata.unknown());
            HookPoint site = HookPoint.of(Site.RESID_POST, 0);
            Attachment attachment = Attachment.of(autoencoder, model, site, site);
            prompts = Prompts.of(
                    config, RandomModels.tokens(config, 12, 3), RandomModels.tokens(config, 9, 4), new int[] {0, 1, 2});
            prompt = RandomModels.tokens(config, 6, 8);
            study = LatentStudy.of(model, attachment, prompts, Set.of());
            ofPrompt = LatentStudy.of(model, attachment, Prompts.of(config, prompt), Set.of());
            Capture capture = Capture.of(config, "mlp.post", "z", "pattern");
            CorpusRecorder recorder = CorpusRecorder.of(config, prompts, capture);
            CapturePasses.run(model, prompts, capture, recorder);
            corpus = recorder.view(ViewHeading.of("Corpus", HOSTILE), FeatureViewsTest::token);
            ActivationCache cache = ActivationCache.record(model, prompts, capture);
            values = new float[0];
            for (int s = 0; s < prompts.size(); s++) {
                float[] more = cache.values(MLP, s);
                int before = values.length;
                values = Arrays.copyOf(values, before + more.length);
                System.arraycopy(more, 0, values, before, more.length);
            }
        }
        assumeTrue(Browser.isThere(), "there is no Chromium in /usr/bin: no page is looked at");
        browser = Browser.shared();
        file = Files.writeString(
                folder.resolve("features.html"),
                Page.of(HOSTILE, latents(), corpus).html());
    }

    private static void open(String fragment) throws InterruptedException {
        browser.show(1300, 900, "light", "screen");
        browser.open(file.toUri() + fragment);
        browser.await("document.querySelector('section:not([hidden]) .choices select')");
    }

    private static String text(String selector) throws InterruptedException {
        return browser.evaluate("document.querySelector(" + Browser.quoted(selector) + ").textContent");
    }

    private static List<String> data(String selector) throws InterruptedException {
        return List.of(browser.evaluate("[...document.querySelectorAll(" + Browser.quoted(selector)
                        + ")].map(e => e.dataset.value).join(' ')")
                .split(" ", -1));
    }

    private static float[] floats(List<String> numbers) {
        float[] read = new float[numbers.size()];
        for (int i = 0; i < read.length; i++) {
            read[i] = (float) Double.parseDouble(numbers.get(i));
        }
        return read;
    }

    @Test
    void aLatentHasTheLibrarysNumbers() throws InterruptedException {
        open("#latents/latent=7");
        assertThat(text("#latents h3")).isEqualTo("Latent 7");
        float[] activations = new float[prompt.length];
        for (int t = 0; t < activations.length; t++) {
            activations[t] = ofPrompt.activation(7, t);
        }
        assertThat(floats(data("#latents .example:nth-of-type(2) .token"))).containsExactly(activations);
        assertThat(data("#latents article > p:first-of-type b"))
                .containsExactly(
                        String.valueOf(study.shareFiring(7)),
                        browser.evaluate("String(Math.fround(" + study.maximum(7) + "))"),
                        String.valueOf(study.page(7).meanFiring()));
        assertThat(floats(data("#latents .lists section:first-child td")))
                .containsExactly(study.page(7).foldedLogits().raised().values());
        assertThat(floats(data("#latents .lists section:nth-child(3) td")))
                .containsExactly(study.page(7).neighbours().values());
    }

    @Test
    void aLatentIsFoundAndChosen() throws InterruptedException {
        open("#latents/order=latent");
        browser.click("#latents [data-entry='2']");
        assertThat(text("#latents h3")).isEqualTo("Latent 11");
        assertThat(browser.evaluate("location.hash")).isEqualTo("#latents/order=latent&latent=11");
        browser.evaluate("document.querySelector('#latents [data-entry=\"0\"]').focus()");
        browser.press("ArrowDown");
        browser.press("Enter");
        assertThat(text("#latents h3")).isEqualTo("Latent 7");
        browser.evaluate("(() => { const i = document.querySelector('#latents input'); i.value = '11';"
                + " i.dispatchEvent(new Event('input')); })()");
        assertThat(browser.evaluate(
                        "[...document.querySelectorAll('#latents [data-entry] b')].map(b => b.textContent).join()"))
                .contains("11");
        browser.hover("#latents .example .token");
        assertThat(text(".tip")).contains(": ");
    }

    @Test
    void aDumpHasItsValuesBitForBit() throws InterruptedException {
        int rows = Math.toIntExact(prompts.totalTokens());
        int width = values.length / rows;
        open("#corpus/site=" + MLP.name() + "&component=5");
        assertThat(floats(data("#corpus .document .token")))
                .containsExactly(floatsOf(IntStream.range(0, rows)
                        .mapToDouble(row -> values[row * width + 5])
                        .toArray()));
        assertThat(text("#corpus .view-body")).contains("left out: ", "attn.hook_pattern", "24 tokens of 3 documents");
        float most = Float.NEGATIVE_INFINITY;
        for (int row = 0; row < rows; row++) {
            most = Math.max(most, values[row * width + 5]);
        }
        assertThat(floats(data("#corpus .examples td.number"))).startsWith(most);
    }

    private static float[] floatsOf(double[] numbers) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) numbers[i];
        }
        return floats;
    }

    @Test
    void aComponentIsChosenAndATokenTellsItsValue() throws InterruptedException {
        open("#corpus");
        browser.evaluate("(() => { const i = document.querySelector('#corpus input'); i.value = 2;"
                + " i.dispatchEvent(new Event('change')); })()");
        assertThat(browser.evaluate("location.hash")).isEqualTo("#corpus/component=2");
        browser.evaluate("document.querySelector('#corpus .document .token').focus()");
        browser.press("ArrowRight");
        assertThat(text(".tip")).contains("position 1 of ");
        browser.click("#corpus .examples button");
        assertThat(browser.evaluate("document.activeElement.dataset.document")).matches("[012]");
        browser.evaluate(
                "(window.saved = new Promise(done => URL.createObjectURL = blob => done(blob.text()) || '#'), 1)");
        browser.click("#corpus button.csv");
        assertThat(browser.evaluate("window.saved").lines().count()).isGreaterThanOrEqualTo(25);
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void aViewIsReadableAndHarmless(String scheme) throws IOException, InterruptedException {
        for (String view : List.of("latents", "corpus")) {
            browser.show(1300, 900, scheme, "screen");
            browser.open(file.toUri() + "#" + view);
            browser.await("document.querySelector('section:not([hidden]) .choices select')");
            BrowserTest.keep("features-" + view + "-" + scheme + ".png", browser.screenshot());
            assertThat(browser.complaints()).isEmpty();
            assertThat(browser.requests()).containsExactly(file.toUri().toString());
            assertThat(browser.evaluate("document.querySelectorAll('img, main script').length"))
                    .isEqualTo("0");
            assertThat(browser.evaluate(Browser.PALE_TEXTS)).isEmpty();
            assertThat(browser.evaluate("document.documentElement.scrollWidth")).isEqualTo("1300");
        }
    }

    @Test
    void equalStudiesGiveEqualFiles() {
        String html = Page.of("p", latents(), corpus).html();
        assertThat(html).isEqualTo(Page.of("p", latents(), corpus).html());
        PageTest.requireBalanced(html.replaceAll("(?s)<script.*?</script>", ""));
        assertThat(html).contains("Documents", "Latents of");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> LatentsView.of(ViewHeading.of("t", "m"), study, new int[0], ViewToken::of))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> LatentsView.of(ViewHeading.of("t", "m"), study, SHOWN, ViewToken::of)
                        .withPrompt(ofPrompt))
                .isInstanceOf(BadShapeException.class);
    }
}
