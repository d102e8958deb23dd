package dev.hyaline.files;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Digests of files, in lower-case hexadecimal. */
public final class Digests {
    private static final int CHUNK = 1 << 18;

    private Digests() {}

    public static MessageDigest sha256() {
        return of("SHA-256");
    }

    /** Returns a digest that every Java platform has: MD5, SHA-1 or SHA-256. */
    public static MessageDigest of(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has " + algorithm, e);
        }
    }

    /** Completes a digest. */
    public static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Completes a digest with the rest of a stream. */
    public static String hex(MessageDigest digest, InputStream in) throws IOException {
        new DigestInputStream(in, digest).transferTo(OutputStream.nullOutputStream());
        return hex(digest);
    }

    /** The SHA-256 of bytes. */
    public static String sha256(byte[] bytes) {
        MessageDigest digest = sha256();
        digest.update(bytes);
        return hex(digest);
    }

    /** The SHA-256 of a whole file, whatever its current position. */
    public static String sha256(FileChannel file) throws IOException {
        MessageDigest digest = sha256();
        ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
        long at = 0;
        for (int read; (read = file.read(buffer.clear(), at)) > 0; at += read) {
            digest.update(buffer.flip());
        }
        return hex(digest);
    }

    /** The SHA-256 of a whole file. */
    public static String sha256(FileInput file) {
        MessageDigest digest = sha256();
        for (long at = 0; at < file.size(); at += CHUNK) {
            digest.update(file.read(at, (int) Math.min(CHUNK, file.size() - at)));
        }
        return hex(digest);
    }
}
