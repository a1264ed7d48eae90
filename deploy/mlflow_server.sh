#!/bin/sh
# Starts the MLflow server of a cluster, unless it runs already: on loopback of the machine where
# `memgan search` runs, behind a password that is made once and that only this user can read.
#   sh deploy/mlflow_server.sh
#   . ~/.memgan-mlflow/environment      # in a shell that runs `memgan search`
# MEMGAN_MLFLOW_HOME and MEMGAN_MLFLOW_PORT put it elsewhere. Needs `mlflow` on the PATH, with
# flask-wtf beside it (`uv pip install flask-wtf`).
set -eu
home=${MEMGAN_MLFLOW_HOME:-$HOME/.memgan-mlflow}
port=${MEMGAN_MLFLOW_PORT:-5000}
umask 077
mkdir -p "$home"
for secret in password session; do
    [ -s "$home/$secret" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$home/$secret"
done
cat > "$home/users.ini" <<INI
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///$home/users.db
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
INI
cat > "$home/environment" <<ENVIRONMENT
export MLFLOW_TRACKING_URI=http://127.0.0.1:$port
export MLFLOW_TRACKING_USERNAME=admin
export MLFLOW_TRACKING_PASSWORD=$(cat "$home/password")
ENVIRONMENT
if [ -s "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null; then
    exit 0
fi
MLFLOW_AUTH_CONFIG_PATH=$home/users.ini \
MLFLOW_AUTH_ADMIN_PASSWORD=$(cat "$home/password") \
MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$home/session") \
MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
nohup mlflow server --app-name basic-auth --host 127.0.0.1 --port "$port" --workers 1 \
    --backend-store-uri "sqlite:///$home/mlflow.db" --artifacts-destination "$home/artifacts" \
    >> "$home/server.log" 2>&1 < /dev/null &
echo $! > "$home/pid"
