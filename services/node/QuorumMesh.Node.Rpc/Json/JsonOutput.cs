using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Json;

/// <summary>Ethereum's JSON forms: quantities without leading zeros, data with two digits a byte.</summary>
internal static class JsonOutput
{
    private const int StackDigits = 512;

    public static void Quantity(this Utf8JsonWriter json, ulong value)
    {
        Span<byte> text = stackalloc byte[18];
        "0x"u8.CopyTo(text);
        Utf8Formatter.TryFormat(value, text[2..], out var digits, 'x');
        json.WriteStringValue(text[..(digits + 2)]);
    }

    public static void Quantity(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ulong value)
    {
        json.WritePropertyName(name);
        json.Quantity(value);
    }

    public static void Quantity(this Utf8JsonWriter json, ReadOnlySpan<byte> name, in UInt256 value)
    {
        json.WritePropertyName(name);
        json.Quantity(value);
    }

    public static void Quantity(this Utf8JsonWriter json, in UInt256 value)
    {
        if (value.IsUInt64) json.Quantity((ulong)value);
        else json.WriteStringValue(value.ToHexString());
    }

    public static void Data(this Utf8JsonWriter json, ReadOnlySpan<byte> bytes)
    {
        var length = 2 + (bytes.Length * 2);
        byte[]? rented = null;
        var text = length <= StackDigits ? stackalloc byte[StackDigits] : rented = ArrayPool<byte>.Shared.Rent(length);
        "0x"u8.CopyTo(text);
        Convert.TryToHexStringLower(bytes, text[2..], out _);
        json.WriteStringValue(text[..length]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    public static void Data(this Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<byte> bytes)
    {
        json.WritePropertyName(name);
        json.Data(bytes);
    }

    public static void Value(this Utf8JsonWriter json, in Address address)
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        address.CopyTo(bytes);
        json.Data(bytes);
    }

    public static void Value(this Utf8JsonWriter json, ReadOnlySpan<byte> name, in Address address)
    {
        json.WritePropertyName(name);
        json.Value(address);
    }

    public static void Value(this Utf8JsonWriter json, ReadOnlySpan<byte> name, Address? address)
    {
        if (address is { } a) json.Value(name, a);
        else json.WriteNull(name);
    }

    public static void Value(this Utf8JsonWriter json, in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        json.Data(bytes);
    }

    public static void Value(this Utf8JsonWriter json, ReadOnlySpan<byte> name, in Hash256 hash)
    {
        json.WritePropertyName(name);
        json.Value(hash);
    }
}
