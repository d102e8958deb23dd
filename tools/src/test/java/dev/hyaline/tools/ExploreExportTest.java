package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.attention.HeadScores;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The file that {@code explore --export} writes: the numbers in it are the library's. */
final class ExploreExportTest {
    private static final String PROMPT = "When Mary and John went to the store, John gave a drink to";
    private static final Pattern EMBEDDED = Pattern.compile("data-view=\"(\\w+)\"[^>]*>([A-Za-z0-9+/=]+)</script>");
    private static final Pattern FORECAST = Pattern.compile("will take about ([0-9.]+) MB");

    @TempDir
    private static Path folder;

    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static int[] tokens;
    private static Outcome outcome;
    private static String html;
    private static Map<String, Embedded> views;

    /** The data of a view, read as the page reads it. */
    private record Embedded(JsonNode header, ByteBuffer bytes) {
        float[] floats(String name) {
            JsonNode array = header.at("/data/" + name);
            assertThat(array.get("dtype").asString()).isEqualTo("f32");
            float[] values = new float[size(array)];
            bytes.slice(array.get("offset").asInt(), values.length * Float.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(values);
            return values;
        }

        double[] doubles(JsonNode array) {
            assertThat(array.get("dtype").asString()).isEqualTo("f64");
            double[] values = new double[size(array)];
            bytes.slice(array.get("offset").asInt(), values.length * Double.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asDoubleBuffer()
                    .get(values);
            return values;
        }

        int[] integers(String name) {
            JsonNode array = header.at("/data/" + name);
            assertThat(array.get("dtype").asString()).isEqualTo("i32");
            int[] values = new int[size(array)];
            bytes.slice(array.get("offset").asInt(), values.length * Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asIntBuffer()
                    .get(values);
            return values;
        }

        private static int size(JsonNode array) {
            int size = 1;
            for (JsonNode length : array.get("shape")) {
                size *= length.asInt();
            }
            return size;
        }
    }

    @BeforeAll
    static void export() throws IOException {
        Path file = folder.resolve("first.html");
        outcome = Outcome.of("explore", "--prompt", PROMPT, "--export", file.toString());
        assertThat(outcome.exitCode()).isZero();
        html = Files.readString(file);
        views = views(html);
        checkpoint = Checkpoint.builtIn("fable");
        model = Gpt2.of(checkpoint.weights());
        tokens = checkpoint.tokenizer().encodePrompt(PROMPT);
    }

    private static Map<String, Embedded> views(String page) {
        Map<String, Embedded> views = new HashMap<>();
        Matcher matcher = EMBEDDED.matcher(page);
        while (matcher.find()) {
            ByteBuffer body = ByteBuffer.wrap(Base64.getDecoder().decode(matcher.group(2)));
            int length = body.order(ByteOrder.LITTLE_ENDIAN).getInt();
            JsonNode header = JsonMapper.shared()
                    .readTree(new String(body.array(), Integer.BYTES, length, StandardCharsets.UTF_8));
            int start = Math.ceilDiv(Integer.BYTES + length, 8) * 8;
            views.put(matcher.group(1), new Embedded(header, body.slice(start, body.capacity() - start)));
        }
        return views;
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    private static Embedded view(String name) {
        Embedded found = views.get(name);
        assertThat(found).as(name).isNotNull();
        return found;
    }

    @Test
    void theSameRunGivesTheSameBytesOfTheSizeThatWasForecast() throws IOException {
        Path second = folder.resolve("second.html");
        assertThat(Outcome.of("explore", "--prompt", PROMPT, "--threads", "1", "--export", second.toString())
                        .exitCode())
                .isZero();
        assertThat(Files.readString(second)).isEqualTo(html);
        assertThat(views.keySet()).containsExactlyInAnyOrder("tokens", "heads", "lens", "generation");
        Matcher forecast = FORECAST.matcher(outcome.err());
        assertThat(forecast.find()).isTrue();
        int bytes = html.getBytes(StandardCharsets.UTF_8).length;
        assertThat(Double.parseDouble(forecast.group(1)) * 1e6).isBetween(0.75 * bytes, 1.25 * bytes);
        assertThat(html).contains("default-src 'none'").doesNotContain("http:", "https:", " src=\"", "unsafe-eval");
    }

    /** The command that a page of latents offers gives the same latents and the same examples. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theCommandOfLatentsGivesWhatThePageShows(boolean ofDump, @TempDir Path own) throws IOException {
        new SaeFixture(own).train("sae");
        List<String> explore = new ArrayList<>(List.of("explore", "--prompt", PROMPT, "--process", "center_unembed"));
        explore.addAll(List.of("--sae", own.resolve("sae").toString()));
        if (ofDump) {
            Path texts = Files.writeString(own.resolve("texts.txt"), "The cat saw the dog.\nThe dog ran home.\n");
            Path dump = own.resolve("a dump");
            Outcome.of(
                            "dump",
                            "--shards",
                            "--sites",
                            "resid_post2",
                            "--process",
                            "center_unembed",
                            "--prompts",
                            texts.toString(),
                            "--out",
                            dump.toString())
                    .succeeded();
            explore.addAll(List.of("--dump", dump.toString()));
        }
        Path shown = own.resolve("shown.html");
        explore.addAll(List.of("--export", shown.toString()));
        assertThat(Outcome.of(explore.toArray(String[]::new)).exitCode()).isZero();
        String written = Files.readString(shown);
        assertThat(written).contains("hyaline patch --process center_unembed --html patch.html");
        Embedded page = views(written).get("latents");
        Path again = own.resolve("latents.html");
        String command = page.header.get("command").asString();
        assertThat(command).startsWith("hyaline sae features").contains("--process center_unembed");
        Outcome.ofLine(command.replace("latents.html", again.toString())).succeeded();
        Embedded copied = views(Files.readString(again)).get("latents");
        assertThat(examples(copied)).isEqualTo(examples(page)).isNotEmpty();
        assertThat(copied.header.get("prompt")).isEqualTo(page.header.get("prompt"));
    }

    /** By latent, how it fires and where its examples are. */
    private static Map<String, List<String>> examples(Embedded view) {
        Map<String, List<String>> examples = new TreeMap<>();
        for (JsonNode latent : view.header.at("/data/latents")) {
            List<String> facts = new ArrayList<>();
            for (String key : List.of("share", "maximum", "mean")) {
                facts.add(latent.get(key).toString());
            }
            latent.get("examples").forEach(one -> facts.add(one.get("text") + " at " + one.get("at")));
            examples.put(latent.get("latent").toString(), facts);
        }
        return examples;
    }

    @Test
    void whatNeedsTheModelIsNamedWithItsCommand() {
        assertThat(html).contains("hyaline explore --prompt ", "hyaline patch --html patch.html");
    }

    @Test
    void attentionIsTheLibrarys() {
        int n = tokens.length;
        ActivationCache cache = ActivationCache.record(
                model, Prompts.of(model.config(), tokens), Capture.of(model.config(), "pattern", "attn_scores"));
        float[] pattern = view("tokens").floats("pattern");
        float[] scores = view("tokens").floats("scores");
        int at = 0;
        for (int layer = 0; layer < model.config().nLayers(); layer++) {
            float[] weights = cache.values(HookPoint.of(Site.PATTERN, layer), 0);
            float[] products = cache.values(HookPoint.of(Site.ATTN_SCORES, layer), 0);
            for (int head = 0; head < model.config().nHeads(); head++) {
                for (int query = 0; query < n; query++) {
                    for (int key = 0; key <= query; key++, at++) {
                        assertThat(pattern[at]).isEqualTo(weights[(head * n + query) * n + key]);
                        assertThat(scores[at]).isEqualTo(products[(head * n + query) * n + key]);
                    }
                }
            }
        }
        assertThat(at).isEqualTo(pattern.length);
    }

    @Test
    void headScoresAreTheLibrarys() {
        double[] means =
                HeadScores.measure(model, Prompts.of(model.config(), tokens)).means();
        int cells = model.config().nLayers() * model.config().nHeads();
        JsonNode numbers = view("heads").header().at("/data/numbers");
        for (int type = 0; type < means.length / cells; type++) {
            assertThat(view("heads").doubles(numbers.get(type).get("values")))
                    .containsExactly(Arrays.copyOfRange(means, type * cells, (type + 1) * cells));
        }
    }

    @Test
    void theLensIsTheLibrarys() {
        List<List<List<NextToken>>> expected = LogitLens.of(model).likeliest(tokens, 10);
        int[] likeliest = view("lens").integers("likeliest");
        double[] logProbabilities = view("lens").doubles(view("lens").header().at("/data/logProbabilities"));
        int at = 0;
        for (List<List<NextToken>> place : expected) {
            for (List<NextToken> cell : place) {
                for (NextToken token : cell) {
                    assertThat(likeliest[at]).isEqualTo(token.token());
                    assertThat(logProbabilities[at++]).isEqualTo(token.logProbability());
                }
            }
        }
        assertThat(at).isEqualTo(likeliest.length);
    }

    @Test
    void theContinuationIsTheLibrarys() {
        int[] generated = Generator.of(model).maxNewTokens(20).generate(tokens);
        assertThat(view("generation").integers("generated")).containsExactly(generated);
        double[] chosen = view("generation").doubles(view("generation").header().at("/data/chosenLogProbabilities"));
        int[] so = tokens;
        for (int step = 0; step < generated.length; step++) {
            float[] all = model.logits(so);
            int width = model.config().dVocab();
            NextToken likeliest = NextToken.likeliest(Arrays.copyOfRange(all, all.length - width, all.length), 1)
                    .getFirst();
            assertThat(likeliest.token()).isEqualTo(generated[step]);
            assertThat(chosen[step]).isEqualTo(likeliest.logProbability());
            so = Arrays.copyOf(so, so.length + 1);
            so[so.length - 1] = generated[step];
        }
    }
}
