using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

/// <summary>The worked payload of tessera appendices A and B, made of public sample keys.</summary>
internal static class WorkedBytes
{
    public static readonly PublicKey S = PublicKey.FromBase64("/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=");
    public static readonly PublicKey R = PublicKey.FromBase64("zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=");

    public const string HashBase64 = "+V3DcJ+QDus30wbBzG/3PIXq5+36/w9A17BNKtklKPPqa+2CS0PkYxLPh0vmMwPZ8zfq2ke0KxXkTVnM9QuJmw==";
    public const string SecurityHash =
        "0e48dfa3c699e1254bd1d61af7bac5d6e0c7e1cae647a99cc718c4c3c28d721f77f08dda48c446d90d8a3fd9cef71689ea27e494021a122b54dff0a4c5f50762";

    private const string Head =
        "0000000000000020ffe52e0fadf322d2f511b8f190a5258cc806f19d70d0027ca4d391e22ab6c907"
        + "000000000000001c17fa69fb05dc1b3b306befdfeab0bccd227239155571ca5fa92b040c"
        + "0000000000000018404142434445464748494a4b4c4d4e4f5051525354555657";

    public const string BoxR = "b6ee88e4d4bb004f60d0eb6e4f04bebecf3a431a5b2e7bb23cf6eb874f929553f2cbcdda98cdce8d910bcdc0dec3cee7";
    public const string BoxS = "49584a5205ca7b4cf2209841835fc0438b63d6222b3cc093516053bf8ffd5996d13cf51dc439b86247774455a435a4a7";
    private const string Nonce = "0000000000000018808182838485868788898a8b8c8d8e8f9091929394959697";
    private const string KeyR = "0000000000000020ccff645910c1f37bfb4d266b0045d181e7b12a47a31cce3c72964eaa7b77a32a";
    private const string KeyS = "0000000000000020ffe52e0fadf322d2f511b8f190a5258cc806f19d70d0027ca4d391e22ab6c907";
    private const string One = "0000000000000001";
    private const string Two = "0000000000000002";
    private const string Zero = "0000000000000000";

    public const string WithoutKeys = Head + Two + "0000000000000030" + BoxR + "0000000000000030" + BoxS + Nonce;
    public const string WithoutTail = WithoutKeys + Two + KeyR + KeyS;
    public const string B1 = WithoutTail + One + "00" + Zero;
    public const string B2 = Head + One + "0000000000000030" + BoxR + Nonce + One + KeyR + One + "00" + Zero;
    public const string B4 = WithoutTail + One + "02" + Zero + One + KeyR;
    public const string B5 = WithoutTail + One + "01" + Zero + "000000000000000770726976617465";
    public const string B3Tail = One + "03" + One + "0000000000000040{hash}0000000000000040" + SecurityHash
        + "0000000000000010657865634861736"
        + "82d6578616d706c65";

    public static EncodedPayload Full => new()
    {
        SenderKey = S,
        CipherText = Hex.FromHex("17fa69fb05dc1b3b306befdfeab0bccd227239155571ca5fa92b040c"),
        CipherTextNonce = Hex.FromHex("404142434445464748494a4b4c4d4e4f5051525354555657"),
        RecipientBoxes = [Hex.FromHex(BoxR), Hex.FromHex(BoxS)],
        RecipientNonce = Hex.FromHex("808182838485868788898a8b8c8d8e8f9091929394959697"),
        RecipientKeys = [R, S],
    };
}
