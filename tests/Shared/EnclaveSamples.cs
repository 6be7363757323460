using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Tests.Shared;

/// <summary>The public sample keys of Tessera's documentation and values worked out with them by an independent program.</summary>
internal static class Samples
{
    public const string SenderPrivate = "yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM=";
    public const string SenderPublic = "/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=";
    public const string RecipientPrivate = "6ccai0+GXRRVbNckE+JubN+UQ9+8pMCx86dZI683X7w=";
    public const string RecipientPublic = "zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=";

    public const string CipherText = "17fa69fb05dc1b3b306befdfeab0bccd227239155571ca5fa92b040c";
    public const string BoxForRecipient =
        "b6ee88e4d4bb004f60d0eb6e4f04bebecf3a431a5b2e7bb23cf6eb874f929553f2cbcdda98cdce8d910bcdc0dec3cee7";
    public const string BoxForSender = "49584a5205ca7b4cf2209841835fc0438b63d6222b3cc093516053bf8ffd5996d13cf51dc439b86247774455a435a4a7";
    public const string RawEncryptedKey =
        "93b85bf9ca305adbe25cf51feb01313ea6b3c5564d4154631a7c8defc0e8601b54a29ddb01baf33153f21f5b79cc737b";

    public static PublicKey Sender { get; } = PublicKey.FromBase64(SenderPublic);

    public static PublicKey Recipient { get; } = PublicKey.FromBase64(RecipientPublic);

    public static EnclaveKeyPair SenderPair(EnclaveKeyState state = EnclaveKeyState.Active) => Pair(SenderPrivate, Sender, state);

    public static EnclaveKeyPair RecipientPair(EnclaveKeyState state = EnclaveKeyState.Active) => Pair(RecipientPrivate, Recipient, state);

    public static PayloadSealer Sealer(params EnclaveKeyPair[] pairs) => Sealer(Count(0), pairs);

    public static PayloadSealer Sealer(RandomFill random, params EnclaveKeyPair[] pairs) =>
        new(new KeyRing(pairs), new SharedKeyCache(16), random);

    /// <summary>Gives the arrays one after the other.</summary>
    public static RandomFill Sequence(params byte[][] values)
    {
        var next = 0;
        return destination => values[next++].CopyTo(destination);
    }

    /// <summary>Never the same twice.</summary>
    public static RandomFill Count(int seed)
    {
        var random = new Random(seed);
        return destination => random.NextBytes(destination);
    }

    public static byte[] Run(int first, int count) => [.. Enumerable.Range(first, count).Select(i => (byte)i)];

    private static EnclaveKeyPair Pair(string privateKey, PublicKey publicKey, EnclaveKeyState state) =>
        new(publicKey, SecretBuffer.CopyOf(Convert.FromBase64String(privateKey)), "sample", "1", state);
}
