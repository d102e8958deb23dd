package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every change of what a library shows to its users is seen in review. */
final class ApiTest {
    private static final String REFRESH =
            "mvn -q -pl tools -am test -Dtest=ApiTest -Dapi=refresh" + " -Dsurefire.failIfNoSpecifiedTests=false";

    static Stream<LibraryModule> libraries() {
        return LibraryModule.all().stream()
                .filter(module -> !module.exportedPackages().isEmpty());
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void theSurfaceIsTheOneWrittenDown(LibraryModule module) throws IOException {
        Path file = module.folder().resolve("api.txt");
        String surface = Api.of(module);
        if ("refresh".equals(System.getProperty("api"))) {
            Files.writeString(file, surface);
        }
        assertThat(Files.exists(file) ? Files.readString(file) : "")
                .as("%s; if the change is wanted, run: %s", file, REFRESH)
                .isEqualTo(surface);
    }

    @ParameterizedTest
    @MethodSource("libraries")
    void everyExportedPackageSaysWhatItHolds(LibraryModule module) {
        assertThat(module.exportedPackages())
                .allSatisfy(exported -> assertThat(module.sources(exported).resolve("package-info.java"))
                        .isRegularFile());
    }

    @Test
    void noNameStandsForTwoTypes() {
        Map<String, List<String>> named = new HashMap<>();
        libraries()
                .flatMap(module -> module.exportedTypes().stream())
                .forEach(type -> named.computeIfAbsent(type.getSimpleName(), name -> new ArrayList<>())
                        .add(type.getName()));
        assertThat(named.values())
                .isNotEmpty()
                .allSatisfy(types -> assertThat(types).hasSize(1));
    }
}
