package dev.hyaline.weights.internal.hub;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.hyaline.files.Digests;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The checksum by which the hub identifies a file's content, and which is its name in the cache: SHA-256 for large
 * files, as in Git LFS, and the SHA-1 of Git's blob for all others.
 *
 * @param hex in lower-case hexadecimal
 */
public record Checksum(Kind kind, String hex) {
    private static final Pattern ETAG = Pattern.compile("(?:W/)?\"?([0-9a-f]{64}|[0-9a-f]{40})\"?");

    /** The method of computation. */
    public enum Kind {
        SHA_256("SHA-256"),
        GIT_BLOB("SHA-1");

        private final String algorithm;

        Kind(String algorithm) {
            this.algorithm = algorithm;
        }

        private MessageDigest digest(long size) {
            MessageDigest digest = Digests.of(algorithm);
            if (this == GIT_BLOB) {
                digest.update(("blob " + size + "\0").getBytes(US_ASCII));
            }
            return digest;
        }

        @Override
        public String toString() {
            return algorithm;
        }
    }

    /** The checksum in an ETag header; empty if it holds something else. */
    static Optional<Checksum> ofEtag(String etag) {
        return Optional.of(ETAG.matcher(etag.strip()))
                .filter(found -> found.matches())
                .map(found -> {
                    String hex = found.group(1);
                    return new Checksum(hex.length() == 64 ? Kind.SHA_256 : Kind.GIT_BLOB, hex);
                });
    }

    /** Computes a file's checksum of a kind. */
    static Checksum of(Kind kind, Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return new Checksum(kind, Digests.hex(kind.digest(Files.size(file)), in));
        }
    }
}
