package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The environment variables mean what they mean in Python. */
class HubSettingsTest {
    @TempDir
    Path home;

    private HubSettings settings(String... variables) {
        Map<String, String> environment = new HashMap<>(Map.of("HOME", home.toString()));
        for (int i = 0; i < variables.length; i += 2) {
            environment.put(variables[i], variables[i + 1]);
        }
        return HubSettings.of(environment);
    }

    @Test
    void haveDefaults() {
        HubSettings settings = settings();
        assertThat(settings.endpoint()).hasToString("https://huggingface.co");
        assertThat(settings.cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
        assertThat(settings.token()).isNull();
        assertThat(settings.offline()).isFalse();
        assertThat(settings.symbolicLinks()).isTrue();
        assertThat(settings.timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.proxies().http()).isEmpty();
    }

    @Test
    void findTheCache() {
        assertThat(settings("XDG_CACHE_HOME", "/x").cache()).isEqualTo(Path.of("/x/huggingface/hub"));
        assertThat(settings("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache()).isEqualTo(Path.of("/h/hub"));
        assertThat(settings("HF_HOME", "/h", "HUGGINGFACE_HUB_CACHE", "/l").cache())
                .isEqualTo(Path.of("/l"));
        assertThat(settings("HF_HOME", "/h", "HF_HUB_CACHE", "/c/").cache()).isEqualTo(Path.of("/c"));
        assertThat(settings("HF_HOME", "~/h").cache()).isEqualTo(home.resolve("h/hub"));
        assertThat(settings("HF_HUB_CACHE", "").cache()).isEqualTo(home.resolve(".cache/huggingface/hub"));
    }

    @Test
    void findTheTokenAndKeepItToThemselves() throws IOException {
        Path folder = Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(folder.resolve("token"), "hf_file\n");
        Files.writeString(home.resolve("other"), " hf_other ");
        assertThat(settings().token()).isEqualTo("hf_file");
        assertThat(settings("HF_TOKEN_PATH", "~/other").token()).isEqualTo("hf_other");
        assertThat(settings("HF_HOME", "~/none").token()).isNull();
        assertThat(settings("HF_TOKEN", " hf_env\r\n").token()).isEqualTo("hf_env");
        assertThat(settings("HUGGING_FACE_HUB_TOKEN", "hf_old").token()).isEqualTo("hf_old");
        assertThat(settings("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", "HF_TOKEN", "hf_env")
                        .token())
                .isNull();
        assertThat(settings("HF_TOKEN", "hf_env", "https_proxy", "http://me:hidden@proxy:3128"))
                .asString()
                .contains("token=set")
                .doesNotContain("hf_env", "hidden");
    }

    /** As {@code os.path.expandvars} does after {@code os.path.expanduser}. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "$R/hub | /r/hub",
                "${R}/hub | /r/hub",
                "/a$R | /a/r",
                "${R}b | /rb",
                "$Rb/hub | $Rb/hub",
                "/x/$NONE/${NONE}/$ | /x/$NONE/${NONE}/$",
                "/x/${R | /x/${R",
                "/x$AGAIN | /x/$R",
                "~/$NAME | /h/n",
                "$TILDE/x | ~/x",
                "/$NAME$NAME | /nn",
            })
    void expandVariablesInPaths(String value, String expected) {
        Map<String, String> environment =
                new HashMap<>(Map.of("R", "/r", "AGAIN", "/$R", "NAME", "n", "TILDE", "~", "HOME", "/h"));
        Path path = Path.of(expected).toAbsolutePath();
        environment.put("HF_HUB_CACHE", value);
        assertThat(HubSettings.of(environment).cache()).isEqualTo(path);
        environment.remove("HF_HUB_CACHE");
        environment.put("HF_HOME", value);
        assertThat(HubSettings.of(environment).cache()).isEqualTo(path.resolve("hub"));
        environment.remove("HF_HOME");
        environment.put("XDG_CACHE_HOME", value);
        assertThat(HubSettings.of(environment).cache()).isEqualTo(path.resolve("huggingface/hub"));
    }

    @Test
    void findATokenBehindAVariable() throws IOException {
        Files.writeString(home.resolve("mine"), "hf_mine");
        assertThat(settings("HF_TOKEN_PATH", "$HOME/mine").token()).isEqualTo("hf_mine");
        assertThat(settings("HF_TOKEN_PATH", "${HOME}/mine").token()).isEqualTo("hf_mine");
    }

    @Test
    void findTheProxies() {
        HubSettings settings = settings("all_proxy", "a:1", "HTTPS_PROXY", "http://b:2", "NO_PROXY", "c, .D.org");
        assertThat(settings.proxies().http().orElseThrow()).hasToString("http://a:1");
        assertThat(settings.proxies().https().orElseThrow()).hasToString("http://b:2");
        assertThat(settings.proxies().exceptions()).containsExactly("c", ".d.org");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HF_ENDPOINT | huggingface.co | an address such as https://huggingface.co",
                "HF_ENDPOINT | file:///etc | an address such as https://huggingface.co",
                "HF_ENDPOINT | ftp://host | an address such as https://huggingface.co",
                "HF_ENDPOINT | https://user:hidden@host | an address such as https://huggingface.co",
                "HF_ENDPOINT | http://[ | an address such as https://huggingface.co",
                "HF_HUB_DOWNLOAD_TIMEOUT | soon | a number of seconds above 0",
                "HF_HUB_DOWNLOAD_TIMEOUT | 0 | a number of seconds above 0",
                "HF_HUB_DOWNLOAD_TIMEOUT | -1 | a number of seconds above 0",
                "HF_TOKEN | hf_hid den | a token of the hub",
                "HF_TOKEN | hf_hïdden | a token of the hub",
                "https_proxy | http://me:hid den@proxy | an address such as http://proxy:3128",
            })
    void refuseWhatCannotBeWithoutShowingIt(String variable, String value, String expected) {
        assertThatExceptionOfType(HubException.class)
                .isThrownBy(() -> settings(variable, value))
                .withMessageContainingAll(variable + " must", expected)
                .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.SETTING))
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hid"));
    }
}
