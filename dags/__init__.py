"""When: Airflow DAGs, nothing else."""
