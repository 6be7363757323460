using System.Data.Common;

namespace QuorumMesh.TxManager.Storage;

internal static class StoreStatement
{
    /// <param name="sql">With parameters @p0, @p1 … for the values.</param>
    public static DbCommand Create(DbConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            parameter.Value = values[i];
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
